"""Plain lines about outcomes and waiting."""

import pytest

from forkresize.outcome import Reason
from forkresize.report.terminal.outcome_lines import Notices, OutcomeLines
from tests.protocols import MakeOutcome


def test_every_outcome_is_a_line(
    written: MakeOutcome,
    unchanged: MakeOutcome,
    due: MakeOutcome,
    skipped: MakeOutcome,
    failed: MakeOutcome,
) -> None:
    lines: list[str] = []
    observer = OutcomeLines(lines.append, unchanged=True)
    for outcome in (written(), unchanged(), due(), skipped(), skipped(error="a\ntext"), failed(signal="SIGSEGV")):
        observer.on_outcome(outcome)
    assert lines == [
        "written   out/a.jpg  1.2 MB -> 80.0 kB  4000x3000 -> 800x600  0.05 s",
        "unchanged in/u.jpg",
        "planned   in/d.jpg  -> out/d.jpg  no output yet",
        "skipped   in/notes.txt  not a picture",
        r"skipped   in/notes.txt  not a picture: a\ntext",
        "failed    in/bad.jpg  damaged or truncated: SIGSEGV: truncated",
    ]


def test_every_warning_is_a_line(written: MakeOutcome) -> None:
    lines: list[str] = []
    OutcomeLines(lines.append).on_outcome(written(warnings=("odd\x1b[31m", "very odd")))
    assert lines[1:] == [r"warning   out/a.jpg  odd\x1b[31m", "warning   out/a.jpg  very odd"]


def test_no_name_breaks_a_line(failed: MakeOutcome, hostile: str) -> None:
    lines: list[str] = []
    OutcomeLines(lines.append).on_outcome(failed(hostile, Reason.INTERNAL, hostile))
    assert len(lines) == 1
    assert lines[0].isprintable()


def test_lines_are_printed_to_standard_error(skipped: MakeOutcome, capsys: pytest.CaptureFixture[str]) -> None:
    OutcomeLines().on_outcome(skipped())
    assert capsys.readouterr() == ("", "skipped   in/notes.txt  not a picture\n")


def test_unchanged_outputs_are_lines_only_on_request(unchanged: MakeOutcome, due: MakeOutcome) -> None:
    lines: list[str] = []
    observer = OutcomeLines(lines.append)
    observer.on_outcome(unchanged())
    observer.on_outcome(due())
    assert [line.split()[0] for line in lines] == ["planned"]


def test_lines_can_be_limited_to_executed_outcomes(written: MakeOutcome, unchanged: MakeOutcome) -> None:
    lines: list[str] = []
    observer = OutcomeLines(lines.append, executed_only=True)
    observer.on_outcome(unchanged())
    observer.on_outcome(written())
    assert [line.split()[0] for line in lines] == ["written"]


def test_notice_is_printed_while_the_run_waits(unchanged: MakeOutcome, capsys: pytest.CaptureFixture[str]) -> None:
    notice = Notices()
    notice.on_outcome(unchanged())
    assert capsys.readouterr().err == ""
    notice.on_waiting()
    assert capsys.readouterr().err == "forkresize: waiting for another run to free the destination\n"


def test_notice_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    Notices().on_notice("no node is connected")
    assert capsys.readouterr().err == "forkresize: no node is connected\n"


def test_notice_says_how_to_stop_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    Notices().on_stopping(2, "SIGINT")
    Notices().on_stopping(1, "SIGTERM")
    assert capsys.readouterr().err.splitlines() == [
        "forkresize: stopping: finishing 2 pictures; press Ctrl-C again to stop now",
        "forkresize: stopping: finishing 1 picture; send SIGTERM again to stop now",
    ]
