"""What the shell is told of a run, by what it has to meet."""

from collections.abc import Callable

import pytest

from forkresize.outcome import Outcome, Reason
from forkresize.report.terminal.plain import plain_summary
from forkresize.summary import ExitPolicy, RunStats, Tally, summarize

STRICT = ExitPolicy(strict=True)
NOT_EMPTY = ExitPolicy(not_empty=True)


def _counted(*outcomes: Outcome) -> Tally:
    tally = Tally()
    for outcome in outcomes:
        tally(outcome)
    return tally


def test_skipped_files_are_failures_if_strict(skipped: Callable[..., Outcome]) -> None:
    tally = _counted(skipped())
    assert ExitPolicy().judge(tally) == 0
    assert STRICT.judge(tally) == 1
    told = plain_summary(summarize(tally, RunStats(seconds=1, workers=1), exit_code=1))
    assert "sources were skipped (--strict): 1 not a picture" in told


@pytest.mark.parametrize("reason", [Reason.EXISTS, Reason.DUPLICATE])
def test_an_output_that_is_there_is_no_failure_even_if_strict(
    reason: Reason, skipped: Callable[..., Outcome], unchanged: Callable[..., Outcome]
) -> None:
    assert STRICT.judge(_counted(skipped(reason=reason), unchanged())) == 0


def test_a_run_without_a_picture_has_an_exit_code_of_its_own_if_asked_for(skipped: Callable[..., Outcome]) -> None:
    for tally in (_counted(), _counted(skipped(), skipped(reason=Reason.SYMBOLIC_LINK))):
        assert ExitPolicy().judge(tally) == 0
        assert NOT_EMPTY.judge(tally) == 9
    told = plain_summary(summarize(tally, RunStats(seconds=1, workers=1), exit_code=9))
    assert "no images found (--error-on-empty)" in told


def test_a_run_with_a_picture_is_not_empty(skipped: Callable[..., Outcome], unchanged: Callable[..., Outcome]) -> None:
    assert NOT_EMPTY.judge(_counted(skipped(), unchanged())) == 0
    assert NOT_EMPTY.judge(_counted(skipped(reason=Reason.EXISTS))) == 0


def test_failures_come_first(failed: Callable[..., Outcome], skipped: Callable[..., Outcome]) -> None:
    assert ExitPolicy(strict=True, not_empty=True).judge(_counted(failed(), skipped())) == 1
