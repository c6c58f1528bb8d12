"""Exit codes of runs and of errors."""

import pytest

from forkresize.errors import DestinationBusyError, ForkresizeError, StopRequested, UsageError
from forkresize.exit_policy import ExitCode, exit_code_for_counts, exit_code_for_error, exit_code_for_signal
from forkresize.outcome import Outcome, Reason
from forkresize.report.terminal.plain import plain_summary
from forkresize.summary import RunStats, summarize
from forkresize.tally import Tally
from tests.protocols import MakeOutcome


def _counted(*outcomes: Outcome) -> Tally:
    tally = Tally()
    for outcome in outcomes:
        tally(outcome)
    return tally


def test_skipped_files_are_failures_if_strict(skipped: MakeOutcome) -> None:
    tally = _counted(skipped(), skipped("b.txt"))
    assert exit_code_for_counts(tally) == 0
    assert exit_code_for_counts(tally, strict=True) == 1
    text = plain_summary(summarize(tally, RunStats(seconds=1, workers=1), exit_code=1))
    assert "sources were skipped (--strict): 2 not a picture" in text


def test_a_file_that_is_the_only_source_needs_an_output(
    skipped: MakeOutcome, unchanged: MakeOutcome, written: MakeOutcome
) -> None:
    collision = _counted(skipped(reason=Reason.COLLISION))
    for tally in (_counted(), _counted(skipped()), collision):
        assert exit_code_for_counts(tally, only_file=True) == 1
    for tally in (_counted(unchanged()), _counted(skipped(reason=Reason.EXISTS)), _counted(written())):
        assert exit_code_for_counts(tally, only_file=True) == 0
    text = plain_summary(summarize(collision, RunStats(seconds=1, workers=1), exit_code=1))
    assert "the source was skipped: 1 another source has the same output" in text


@pytest.mark.parametrize("reason", [Reason.EXISTS, Reason.DUPLICATE])
def test_existing_outputs_never_count_as_failures(reason: Reason, skipped: MakeOutcome, unchanged: MakeOutcome) -> None:
    assert exit_code_for_counts(_counted(skipped(reason=reason), unchanged()), strict=True) == 0


def test_a_run_without_pictures_has_its_own_exit_code_if_requested(skipped: MakeOutcome) -> None:
    for tally in (_counted(), _counted(skipped(), skipped(reason=Reason.SYMBOLIC_LINK))):
        assert exit_code_for_counts(tally) == 0
        assert exit_code_for_counts(tally, error_on_empty=True) == 9
    text = plain_summary(summarize(tally, RunStats(seconds=1, workers=1), exit_code=9))
    assert "no images found (--error-on-empty)" in text


def test_losses_are_failures_if_requested(written: MakeOutcome, failed: MakeOutcome) -> None:
    lossy, minor = written(warnings=("its HDR part was dropped",)), written(warnings=("odd",))
    assert exit_code_for_counts(_counted(lossy)) == 0
    assert exit_code_for_counts(_counted(minor), error_on_loss=True) == 0
    assert exit_code_for_counts(_counted(lossy), error_on_loss=True) == 12
    assert exit_code_for_counts(_counted(lossy, failed()), error_on_loss=True) == 1
    text = plain_summary(summarize(_counted(lossy), RunStats(seconds=1, workers=1), exit_code=12))
    assert "outputs lost a part of their images (--warnings fail)" in text


def test_a_run_with_a_picture_is_not_empty(skipped: MakeOutcome, unchanged: MakeOutcome) -> None:
    assert exit_code_for_counts(_counted(skipped(), unchanged()), error_on_empty=True) == 0
    assert exit_code_for_counts(_counted(skipped(reason=Reason.EXISTS)), error_on_empty=True) == 0


def test_failures_take_precedence_over_emptiness(failed: MakeOutcome, skipped: MakeOutcome) -> None:
    counts = _counted(failed(), skipped())
    assert exit_code_for_counts(counts, strict=True, error_on_empty=True) == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ForkresizeError(), 3),
        (UsageError(), 2),
        (DestinationBusyError(), 75),
        (StopRequested(15), 143),
        (KeyboardInterrupt(), 130),
        (OSError(), 3),
        (BrokenPipeError(), 141),
        (ZeroDivisionError(), 70),
    ],
)
def test_every_error_has_an_exit_code(error: BaseException, code: int) -> None:
    assert exit_code_for_error(error) == code


def test_a_stop_signal_has_its_own_exit_code() -> None:
    assert (exit_code_for_signal(2), exit_code_for_signal(15)) == (ExitCode.INTERRUPTED, 143)
