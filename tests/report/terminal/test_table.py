"""The summary table."""

import re
from io import StringIO
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from forkresize.outcome import Outcome, OutputRef, Pruned, Reason
from forkresize.report.terminal.table import Places, print_summary
from forkresize.summary import RunStats, Summary, summarize
from forkresize.tally import Tally
from tests.protocols import MakeOutcome

STATS = RunStats(seconds=123.4, workers=2, workers_lost=1, busy_seconds=240.0)


def _summary(*outcomes: Outcome, stats: RunStats = STATS, **ending: Any) -> Summary:
    tally = Tally()
    for outcome in outcomes:
        tally(outcome)
    return summarize(tally, stats, **ending)


def _printed(summary: Summary, width: int = 80, places: Places | None = None) -> list[str]:
    file = StringIO()
    print_summary(summary, Console(width=width, file=file, color_system=None), places=places)
    return [line.rstrip() for line in file.getvalue().splitlines()]


@pytest.fixture
def eventful(
    written: MakeOutcome,
    unchanged: MakeOutcome,
    skipped: MakeOutcome,
    failed: MakeOutcome,
) -> Summary:
    return _summary(
        *(written() for _ in range(1_234)),
        unchanged(),
        skipped(),
        skipped(reason=Reason.SYMBOLIC_LINK),
        skipped(reason=Reason.SYMBOLIC_LINK),
        failed("[red]x[/red]\n.jpg"),
        failed("b.jpg", Reason.CRASHED, "", "SIGSEGV"),
    )


def test_table_shows_all_counts_and_failures(eventful: Summary) -> None:
    assert _printed(eventful) == [
        " written       1,234  1.5 GB → 98.7 MB, 93.3% saved",
        " unchanged         1",
        " skipped           3  2 symbolic link, 1 not a picture",
        " failed            2  1 damaged or truncated, 1 worker crashed",
        " time        0:02:03",
        " pictures/s     10.0  120.0 megapixels/s",
        " workers           2  97% busy, 1 lost",
        "",
        r" in/[red]x[/red]\n.jpg  damaged or truncated: truncated",
        " in/b.jpg               worker crashed: SIGSEGV",
    ]


def test_uneventful_run_is_seven_lines(written: MakeOutcome, skipped: MakeOutcome) -> None:
    stats = RunStats(seconds=0.5, workers=2, busy_seconds=0.9)
    assert _printed(_summary(written(size=40_000), skipped(), stats=stats)) == [
        " written         1  40.0 kB → 80.0 kB, 100.0% larger",
        " unchanged       0",
        " skipped         1  not a picture",
        " failed          0",
        " time        0.5 s",
        " pictures/s    2.0  24.0 megapixels/s",
        " workers         2  90% busy",
    ]


def test_reason_of_an_early_stop_is_shown() -> None:
    assert " stopped       early  by SIGINT; run the same command again to continue" in _printed(
        _summary(stopped_by="SIGINT")
    )


def test_refusal_is_shown() -> None:
    lines = _printed(_summary(refused="3 of 5 outputs would be removed"), 120)
    assert " refused              3 of 5 outputs would be removed (--max-prune; with --dry-run, it lists them)" in lines
    assert not any("early" in line for line in lines)


def test_pruned_outputs_have_a_line(unchanged: MakeOutcome) -> None:
    gone = Outcome(OutputRef(unchanged().source, "out/u.jpg"), Pruned(9))
    assert _printed(_summary(unchanged(), gone, gone))[1:3] == [" unchanged         1", " pruned            2"]


def test_narrow_terminal_shows_everything(eventful: Summary) -> None:
    assert _printed(eventful, 40)[-4:] == [
        r" in/[red]x[/red]\n.jpg",
        "   damaged or truncated: truncated",
        " in/b.jpg",
        "   worker crashed: SIGSEGV",
    ]
    assert "".join(_printed(eventful, 20)).replace(" ", "").startswith("written1,234,1.5GB→98.7MB,93.3%savedunchanged1")


@pytest.mark.parametrize("width", [1, 2, 5, 19, 39, 40, 60])
def test_no_row_is_wider_than_the_terminal(failed: MakeOutcome, hostile: str, width: int) -> None:
    lines = _printed(_summary(failed(hostile, error=hostile)), width)
    assert max(map(cell_len, lines)) <= width
    # The padding leaves less room than one character in the narrowest ones.
    assert width <= 2 or "failed1" in re.sub(r"\s", "", "".join(lines))


def test_no_name_styles_the_table(failed: MakeOutcome, hostile: str) -> None:
    assert all(line.isprintable() for line in _printed(_summary(failed(hostile, error=hostile), stopped_by="SIGINT")))


def test_first_twenty_failures_are_shown_and_the_others_counted(failed: MakeOutcome) -> None:
    summary = _summary(*(failed(f"{number}.jpg") for number in range(57)))
    lines = _printed(summary)
    assert lines[8].startswith(" in/0.jpg ")
    assert lines[27].startswith(" in/19.jpg ")
    assert lines[28:] == [" … and 37 more: use --report FILE.jsonl to keep them all"]
    assert _printed(summary, places=Places("", ["all.jsonl"]))[29:] == [" … and 37 more: see all.jsonl"]


def test_table_is_printed_to_standard_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    print_summary(_summary())
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(" written ")


def test_ascii_terminal_gets_ascii_arrows(written: MakeOutcome, monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console(width=80, file=StringIO(), color_system=None)
    monkeypatch.setattr(Console, "encoding", "ascii")
    print_summary(_summary(written()), console)
    assert isinstance(console.file, StringIO)
    assert "1.2 MB -> 80.0 kB" in console.file.getvalue()


def test_losses_are_shown_by_kind_and_other_warnings_are_not(written: MakeOutcome) -> None:
    texts = ["reduced from 16 to 8 bits per channel", "salvaged, a part is missing: 7 bytes", "odd\x1b"]
    texts += ["SSIM is only 0.5 at quality 95, not 0.95", "salvaged, a part is missing: 9 bytes"]
    lines = _printed(_summary(*(written(warnings=(text,)) for text in texts)), 120)
    assert lines[4] == " warnings          3  2 damaged source salvaged, 1 reduced to 8 bits per channel"


def test_a_run_without_losses_has_no_row_for_them(written: MakeOutcome) -> None:
    assert "warnings" not in "\n".join(_printed(_summary(written(warnings=("odd",))), 120))


def test_places_are_shown(written: MakeOutcome) -> None:
    lines = _printed(_summary(written()), places=Places("out\n", ["a.html", "b.csv"]))
    assert lines[-3:] == [r" output               out\n", " report               a.html", " report               b.csv"]


@pytest.mark.parametrize(
    ("peak", "budget", "text"),
    [
        (210_000_000, 15_200_000_000, "memory peak 0.2 of 15.2 GB"),
        (40_000_000, 15_200_000_000, "memory peak 40.0 MB of 15.2 GB"),
        (0, 15_200_000_000, "memory budget 15.2 GB"),
    ],
)
def test_memory_is_shown_as_used(peak: int, budget: int, text: str) -> None:
    stats = RunStats(seconds=0.5, workers=2, busy_seconds=0.9, memory=budget, memory_peak=peak)
    assert _printed(_summary(stats=stats))[6] == f" workers         2  90% busy, {text}"
