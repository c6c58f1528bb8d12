"""Text that is safe to print anywhere."""

import subprocess
import sys
import unicodedata
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from forkresize.outcome import Outcome, OutputRef, Pruned, Reason
from forkresize.report.terminal.plain import (
    MAX_SHOWN,
    format_failure,
    format_nothing_found,
    format_up_to_date,
    plain_preview,
    plain_summary,
    printable,
)
from forkresize.summary import RunStats, Summary, summarize
from forkresize.tally import Tally
from tests.protocols import MakeOutcome

ANY_TEXT = st.text(st.characters())  # lone surrogates too
ORDINARY = st.text(st.characters(codec="utf-8", categories=("L", "M", "N", "P", "S", "Zs")))
MEASURED = st.text(st.sampled_from("aZ09.-_/ é\u0301漢字ー한🎉🦄\n\x1b\udcff\u202e"), max_size=60)


def _summary(*outcomes: Outcome, **ending: Any) -> Summary:
    tally = Tally()
    for outcome in outcomes:
        tally(outcome)
    return summarize(tally, RunStats(seconds=1.0, workers=2), **ending)


@given(ANY_TEXT)
@example("\x1b[31m\x9b\x7f\r\n\t\u202e\u2066\u2028\u200d\udcff\ud800\U000e0001")
def test_printable_text_holds_no_control_characters(text: str) -> None:
    shown = printable(text)
    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    shown.encode("utf-8")


@given(ORDINARY)
def test_ordinary_names_are_not_changed(name: str) -> None:
    assert printable(name) == name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\nb.jpg", r"a\nb.jpg"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x9b31m", r"\x9b31m"),
        ("\udcff.jpg", r"\xff.jpg"),
        ("\ud800.jpg", r"\ud800.jpg"),
        ("\u202egpj.exe", r"\u202egpj.exe"),
        ("\U000e0041", r"\U000e0041"),
        (r"a\b", r"a\b"),
        ("[red]x[/red]", "[red]x[/red]"),
        ("漢字 🎉\u3000é.jpg", "漢字 🎉\u3000é.jpg"),
    ],
)
def test_unprintable_characters_are_escaped(name: str, shown: str) -> None:
    assert printable(name) == shown


@given(MEASURED, st.integers(-2, 70))
@example("\u0301", -1)
def test_text_fits_the_limit(name: str, limit: int) -> None:
    whole, cut = printable(name), printable(name, limit)
    assert cell_len(cut) <= max(0, limit)
    assert (cut == whole) == (cell_len(whole) <= max(0, limit))


@pytest.mark.parametrize(
    ("name", "limit", "shown"),
    [
        ("holiday/IMG_0001.jpg", 11, "holid…1.jpg"),
        ("漢字漢字漢字", 7, "漢字…字"),
        ("abc", 3, "abc"),
        ("abc", 2, "a…"),
        ("abc", 1, "…"),
        ("abc", 0, ""),
    ],
)
def test_long_names_are_cut_in_the_middle(name: str, limit: int, shown: str) -> None:
    assert printable(name, limit) == shown


def test_failure_is_one_line(failed: MakeOutcome) -> None:
    assert format_failure(failed(error="bad\nmarker")) == r"damaged or truncated: bad\nmarker"
    assert format_failure(failed(reason=Reason.CRASHED, error="", signal="SIGSEGV")) == "worker crashed: SIGSEGV"
    failure = failed(reason=Reason.CRASHED, error="free(): invalid pointer", signal="SIGABRT")
    assert format_failure(failure) == "worker crashed: SIGABRT: free(): invalid pointer"
    assert (
        format_failure(failed(reason=Reason.CRASHED, error="killed by SIGABRT", signal="SIGABRT")).count("SIGABRT") == 1
    )
    assert len(format_failure(failed(error="x" * 5_000))) < 400


def test_plain_summary_shows_the_counts_and_the_failures(failed: MakeOutcome, written: MakeOutcome) -> None:
    summary = _summary(failed("a\n.jpg"), written(), failed("b.jpg", Reason.CRASHED, "", "SIGKILL"))
    assert plain_summary(summary) == (
        "forkresize: 2 failed, 1 written, 0 unchanged, 0 skipped\n"
        "in/a\\n.jpg: damaged or truncated: truncated\n"
        "in/b.jpg: worker crashed: SIGKILL"
    )


def test_plain_summary_shows_losses(failed: MakeOutcome, written: MakeOutcome) -> None:
    lossy = written(warnings=("its HDR part was dropped", "only the first of 2 frames was kept", "odd"))
    assert plain_summary(_summary(lossy, lossy, failed())).splitlines()[:2] == [
        "forkresize: 1 failed, 2 written, 0 unchanged, 0 skipped",
        "forkresize: warnings: 2 frames or pages dropped, 2 HDR reduced to standard range",
    ]


def test_plain_summary_shows_what_stopped_the_run() -> None:
    counts = "forkresize: 0 failed, 0 written, 0 unchanged, 0 skipped"
    assert plain_summary(_summary(stopped_by="SIGTERM")) == f"{counts}; stopped by SIGTERM"


def test_plain_summary_shows_pruned_outputs_and_refusals(written: MakeOutcome) -> None:
    gone = Outcome(OutputRef(written().source, "out/u.jpg"), Pruned(9))
    counts = "forkresize: 0 failed, 0 written, 0 unchanged, 0 skipped"
    assert plain_summary(_summary(gone, stopped_by="SIGTERM")) == f"{counts}, 1 pruned; stopped by SIGTERM"
    assert (
        plain_summary(_summary(refused="2 are\nlost"))
        == f"{counts}; 2 are\\nlost (--max-prune; with --dry-run, it lists them)"
    )


@pytest.mark.slow
def test_plain_summary_says_where_the_other_failures_are(failed: MakeOutcome) -> None:
    lines = plain_summary(_summary(*(failed(f"{number}.jpg") for number in range(1_500)))).splitlines()
    assert len(lines) == 1 + MAX_SHOWN + 1
    assert lines[-1] == "… and 1,480 more: use --report FILE.jsonl to keep them all"
    summary = _summary(*(failed() for _ in range(MAX_SHOWN + 1)))
    assert plain_summary(summary, report="r\n.jsonl").endswith("\n… and 1 more: see r\\n.jsonl")


def test_silent_run_imports_no_terminal_library() -> None:
    program = (
        "import sys\n"
        "from forkresize import record, summary\n"
        "from forkresize.report.export import jsonl\n"
        "from forkresize.report.terminal import plain\n"
        "sys.exit(' '.join({'rich', 'tqdm'} & sys.modules.keys()) or None)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stderr.strip()) == (0, "")


def test_run_without_work_is_one_line(unchanged: MakeOutcome, skipped: MakeOutcome, failed: MakeOutcome) -> None:
    assert format_up_to_date(_summary(*(unchanged() for _ in range(14)))) == "everything is up to date (14 pictures)"
    with_notes = _summary(unchanged(), skipped(), skipped(reason=Reason.SYMBOLIC_LINK))
    assert format_up_to_date(with_notes) == "everything is up to date (1 picture; 2 skipped)"
    assert format_up_to_date(_summary()) == ""
    assert format_up_to_date(_summary(unchanged(), failed())) == ""
    assert format_up_to_date(_summary(unchanged(), stopped_by="SIGINT")) == ""
    assert format_up_to_date(_summary(unchanged(), refused="too many")) == ""
    assert format_up_to_date(_summary(unchanged(), skipped(reason=Reason.EXISTS))) == ""


def test_preview_ends_with_totals(due: MakeOutcome, unchanged: MakeOutcome) -> None:
    text = plain_preview(_summary(due(), due(), unchanged()))
    assert text == "0 failed, 2 planned, 1 unchanged, 0 skipped; nothing was changed (--dry-run)"


@pytest.mark.parametrize(
    ("left_out", "text"),
    [
        ({}, "no pictures found"),
        ({"sources": 0}, "no pictures found; there are no files"),
        ({"sources": 14, "include": 14}, "no pictures found; --include excluded 14 files"),
        ({"sources": 1, "hidden": 1}, "no pictures found; without --hidden, it leaves out 1 file"),
        (
            {"sources": 9, "rules": 3, "max_depth": 2},
            "no pictures found; --include and --exclude excluded 3 files, --max-depth excluded 2 files",
        ),
    ],
)
def test_empty_run_says_why(left_out: dict[str, int], text: str) -> None:
    assert format_nothing_found(_summary(), left_out) == text


def test_files_that_are_not_pictures_are_a_reason(skipped: MakeOutcome) -> None:
    text = format_nothing_found(_summary(skipped(), skipped()), {"sources": 2})
    assert text == "no pictures found; 2 skipped: not a picture"
