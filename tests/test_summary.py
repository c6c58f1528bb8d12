"""Summaries of runs."""

import json

import pytest

from forkresize._version import __version__
from forkresize.exit_policy import ExitCode
from forkresize.outcome import Reason
from forkresize.record import record
from forkresize.summary import RunStats, summarize
from forkresize.tally import Tally
from tests.protocols import MakeOutcome

EFFORT = RunStats(seconds=2.0, workers=4, workers_lost=1, busy_seconds=6.0)


def test_a_summary_has_the_documented_json(tally: Tally) -> None:
    fields = summarize(tally, EFFORT).to_json()
    assert list(fields.items()) == [
        ("schema", 1),
        ("version", __version__),
        ("sources", 6),
        ("written", 2),
        ("unchanged", 1),
        ("skipped", 2),
        ("failed", 1),
        ("pruned", 0),
        ("in_bytes", 2_400_000),
        ("out_bytes", 160_000),
        ("in_pixels", 24_000_000),
        ("seconds", 2.0),
        ("pictures_per_second", 1.0),
        ("megapixels_per_second", 12.0),
        ("workers", 4),
        ("workers_lost", 1),
        ("memory", 0),
        ("sandbox", []),
        ("warnings", {}),
        ("exit_code", 1),
        ("failures", [record(tally.failures[0])]),
    ]
    assert json.loads(json.dumps(fields)) == fields


def test_a_summary_counts_losses_by_kind(written: MakeOutcome) -> None:
    tally = Tally()
    tally(written(warnings=("reduced from 16 to 8 bits per channel", "reduced from 16 to 8 bits per channel, twice")))
    tally(written(warnings=("assuming sRGB: cannot use the color profile: odd", "only the first of 3 frames was kept")))
    assert summarize(tally, EFFORT).to_json()["warnings"] == {"color": 1, "depth": 1, "frames": 1}


def test_a_summary_is_a_copy_of_the_counts(tally: Tally, failed: MakeOutcome) -> None:
    summary = summarize(tally, EFFORT)
    tally(failed())
    assert summary.failed_by_reason == {Reason.DAMAGED: 1}
    assert len(summary.failures) == 1


def test_the_exit_code_depends_on_failures_by_default(tally: Tally) -> None:
    assert summarize(Tally(), EFFORT).exit_code == ExitCode.OK
    assert summarize(tally, EFFORT).exit_code == ExitCode.FAILURES
    stopped = summarize(tally, EFFORT, exit_code=130, stopped_by="SIGINT")
    assert (stopped.exit_code, stopped.stopped_by) == (130, "SIGINT")


@pytest.mark.parametrize(("busy", "share"), [(6.0, 0.75), (9.0, 1.0), (-1.0, 0.0)])
def test_utilization_is_a_share_of_the_workers_time(busy: float, share: float) -> None:
    assert summarize(Tally(), RunStats(seconds=2.0, workers=4, busy_seconds=busy)).stats.utilization == share


def test_a_run_of_zero_seconds_has_no_rates(tally: Tally) -> None:
    summary = summarize(tally, RunStats(seconds=0.0, workers=0))
    assert (summary.stats.utilization, summary.pictures_per_second, summary.megapixels_per_second) == (0.0, 0.0, 0.0)
