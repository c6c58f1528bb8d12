"""Reporters that write something when the run ends."""

import pytest

from forkresize.errors import UsageError
from forkresize.report.export.base import RunReporter
from forkresize.summary import RunStats, Summary, summarize
from forkresize.tally import Tally


class _Reporter(RunReporter):
    def __init__(self) -> None:
        super().__init__(clock=iter((100.0, 103.0)).__next__)
        self.closed: list[tuple[Summary, BaseException | None]] = []

    def on_close(self, summary: Summary, error: BaseException | None) -> None:
        self.closed.append((summary, error))


def test_summary_of_the_run_is_passed_on() -> None:
    summary = summarize(Tally(), RunStats(seconds=2, workers=4))
    with _Reporter() as reporter:
        reporter.on_finish(summary)
    assert reporter.closed == [(summary, None)]


def test_without_a_summary_the_counts_are_summarized() -> None:
    with _Reporter() as reporter:
        pass
    [(summary, error)] = reporter.closed
    assert (summary.stats.seconds, summary.exit_code, error) == (3.0, 0, None)


def test_error_replaces_the_exit_code_for_error_the_summary() -> None:
    reporter = _Reporter()
    problem = UsageError("no")
    reporter.on_finish(summarize(Tally(), RunStats(seconds=2, workers=4)))
    with pytest.raises(UsageError), reporter:
        raise problem
    [(summary, error)] = reporter.closed
    assert (summary.stats.seconds, summary.exit_code, summary.stopped_by, error) == (2.0, 2, "no", problem)
