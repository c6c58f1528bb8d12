"""Tests of one line an outcome."""

from collections.abc import Callable

import pytest

from forkresize.outcome import Outcome, Reason
from forkresize.report.terminal.outcome_lines import OutcomeLines


def test_each_outcome_has_its_line(
    written: Callable[..., Outcome],
    unchanged: Callable[..., Outcome],
    due: Callable[..., Outcome],
    skipped: Callable[..., Outcome],
    failed: Callable[..., Outcome],
) -> None:
    lines: list[str] = []
    verbose = OutcomeLines(lines.append)
    for outcome in (written(), unchanged(), due(), skipped(), skipped(error="a\ntext"), failed(signal="SIGSEGV")):
        verbose(outcome)
    assert lines == [
        "written   out/a.jpg  1.2 MB -> 80.0 kB  4000x3000 -> 800x600  0.05 s",
        "unchanged in/u.jpg",
        "planned   in/d.jpg  -> out/d.jpg  no output yet",
        "skipped   in/notes.txt  not a picture",
        r"skipped   in/notes.txt  not a picture: a\ntext",
        "failed    in/bad.jpg  damaged or truncated: SIGSEGV: truncated",
    ]


def test_each_warning_has_its_line(written: Callable[..., Outcome]) -> None:
    lines: list[str] = []
    OutcomeLines(lines.append)(written(warnings=("odd\x1b[31m", "very odd")))
    assert lines[1:] == [r"warning   out/a.jpg  odd\x1b[31m", "warning   out/a.jpg  very odd"]


def test_no_name_makes_a_second_line(failed: Callable[..., Outcome], hostile: str) -> None:
    lines: list[str] = []
    OutcomeLines(lines.append)(failed(hostile, Reason.INTERNAL, hostile))
    assert len(lines) == 1
    assert lines[0].isprintable()


def test_lines_go_to_standard_error(unchanged: Callable[..., Outcome], capsys: pytest.CaptureFixture[str]) -> None:
    OutcomeLines()(unchanged())
    assert capsys.readouterr() == ("", "unchanged in/u.jpg\n")
