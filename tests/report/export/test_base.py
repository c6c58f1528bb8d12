"""How reporters learn what a run came to."""

import pytest

from forkresize.errors import DestinationBusyError, ForkresizeError, StopRequested, UsageError
from forkresize.report.export.base import RunReporter, exit_code_of
from forkresize.summary import RunStats, Summary, Tally, summarize


class _Listener(RunReporter):
    def __init__(self) -> None:
        super().__init__(clock=iter((100.0, 103.0)).__next__)
        self.heard: list[tuple[Summary, BaseException | None]] = []

    def close(self, summary: Summary, error: BaseException | None) -> None:
        self.heard.append((summary, error))


def test_it_hears_the_summary() -> None:
    summary = summarize(Tally(), RunStats(seconds=2, workers=4))
    with _Listener() as listener:
        listener.conclude(summary)
    assert listener.heard == [(summary, None)]


def test_without_a_summary_it_counts_itself() -> None:
    with _Listener() as listener:
        pass
    [(summary, error)] = listener.heard
    assert (summary.seconds, summary.exit_code, error) == (3.0, 0, None)


def test_an_error_overrules_the_summary() -> None:
    listener = _Listener()
    problem = UsageError("no")
    listener.conclude(summarize(Tally(), RunStats(seconds=2, workers=4)))
    with pytest.raises(UsageError), listener:
        raise problem
    [(summary, error)] = listener.heard
    assert (summary.seconds, summary.exit_code, summary.stopped_by, error) == (2.0, 2, "no", problem)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ForkresizeError(), 3),
        (DestinationBusyError(), 75),
        (StopRequested(15), 143),
        (KeyboardInterrupt(), 130),
        (OSError(), 3),
        (ZeroDivisionError(), 70),
    ],
)
def test_every_error_has_the_exit_code_that_the_shell_is_told(error: BaseException, code: int) -> None:
    assert exit_code_of(error) == code
