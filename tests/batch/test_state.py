"""The state of a run: when it has to stop, and its summary. Without workers, and with a fake clock."""

import signal
from collections.abc import Callable

import pytest

from forkresize.batch import MaxErrors, Settings
from forkresize.batch.deadline import Deadline
from forkresize.batch.events import EventDispatcher
from forkresize.batch.state import RunState, StopToken
from forkresize.errors import DestinationBusyError, LedgerError
from forkresize.exit_policy import ExitCode
from forkresize.job import Source
from forkresize.outcome import UNCHANGED, Failed, Outcome, OutputRef, Reason, Skipped
from forkresize.summary import RunStats, Summary

STATS = RunStats(seconds=1, workers=2)
REF = OutputRef(Source("in/a.jpg", "a.jpg"), "out/a.jpg")
UNCHANGED_OUTCOME = Outcome(REF, UNCHANGED)
FAILURE = Outcome(REF, Failed(Reason.DAMAGED))
DISK_FULL = Outcome(REF, Failed(Reason.NOT_WRITTEN, "disk full", fatal=True))


class Run:
    """A run state with its stop token, a clock, and the outcomes that were announced."""

    def __init__(self, settings: Settings) -> None:
        self.now = 0.0
        self.announced: list[Outcome] = []
        deadline = Deadline(settings.max_duration, lambda: self.now)
        self.token = StopToken(deadline)
        self.state = RunState(settings, deadline, self.token, EventDispatcher([self.announced.append]))

    def ended(self, interrupted: int | None = None) -> tuple[int, str | None]:
        summary: Summary = self.state.summary(STATS, interrupted)
        return summary.exit_code, summary.stopped_by


@pytest.fixture
def start() -> Callable[..., Run]:
    return lambda **settings: Run(Settings(**settings))


Start = Callable[..., Run]


def fail(error: Exception) -> object:
    raise error


class TestStopToken:
    def test_a_new_token_does_not_stop(self, start: Start) -> None:
        assert not start().token()

    def test_a_request_stops_for_good(self, start: Start) -> None:
        token = start().token
        token.request()
        assert token()
        assert token()

    def test_an_expired_deadline_stops(self, start: Start) -> None:
        run = start(max_duration=5.0)
        run.now = 4.9
        assert not run.token()
        run.now = 5.0
        assert run.token()

    def test_a_stopping_executor_stops(self, start: Start) -> None:
        stopping: list[bool] = []
        token = start().token
        token.follow(lambda: bool(stopping))
        assert not token()
        stopping.append(True)
        assert token()


class TestStopping:
    def test_outcomes_are_counted_and_announced(self, start: Start) -> None:
        run = start()
        for outcome in (UNCHANGED_OUTCOME, FAILURE):
            run.state.report(outcome)
        summary = run.state.summary(STATS)
        assert run.announced == [UNCHANGED_OUTCOME, FAILURE]
        assert (summary.unchanged, summary.failed, summary.exit_code) == (1, 1, ExitCode.FAILURES)
        assert not run.state.must_stop
        assert not run.token()

    def test_a_fatal_failure_stops_everything(self, start: Start) -> None:
        run = start()
        run.state.report(DISK_FULL)
        assert run.state.must_stop
        assert run.token()
        assert run.ended() == (ExitCode.FATAL, "disk full")

    def test_the_first_reason_counts(self, start: Start) -> None:
        run = start(max_errors=MaxErrors(1))
        run.state.report(FAILURE)
        run.state.report(DISK_FULL)
        assert run.ended() == (ExitCode.MAX_ERRORS, "--max-errors")

    def test_a_percentage_of_errors_is_also_checked_by_successes_and_stays_reached(self, start: Start) -> None:
        run = start(max_errors=MaxErrors(5, percent=True))
        run.state.report(FAILURE)
        for _ in range(18):
            run.state.report(UNCHANGED_OUTCOME)
        assert run.ended() == (ExitCode.FAILURES, None)
        for _ in range(100):
            run.state.report(UNCHANGED_OUTCOME)
        assert run.ended() == (ExitCode.MAX_ERRORS, "--max-errors")

    def test_an_error_of_the_expected_type_stops_the_run(self, start: Start) -> None:
        run = start()
        with run.state.stop_on(LedgerError):
            fail(LedgerError("the ledger is full"))
        assert run.token()
        assert run.ended() == (ExitCode.FATAL, "the ledger is full")

    def test_other_errors_are_raised(self, start: Start) -> None:
        run = start()
        with pytest.raises(DestinationBusyError), run.state.stop_on(LedgerError):
            fail(DestinationBusyError("busy"))
        assert not run.state.must_stop


class TestDeadline:
    def test_a_run_is_late_while_jobs_may_come_or_are_running(self, start: Start) -> None:
        run = start(max_duration=5.0)
        run.state.discovery_started()
        run.state.job_started()
        run.now = 6.0
        assert run.state.must_stop
        assert run.ended() == (ExitCode.MAX_DURATION, "--max-duration")
        run.state.discovery_finished()
        assert run.state.must_stop

    def test_a_run_that_has_done_all_by_then_is_not_late(self, start: Start) -> None:
        run = start(max_duration=5.0)
        run.state.discovery_started()
        run.state.job_started()
        run.state.discovery_finished()
        run.state.job_finished()
        run.now = 6.0
        assert not run.state.must_stop
        assert run.ended() == (ExitCode.OK, None)


class TestSummary:
    def test_a_signal_takes_precedence_over_all_other_reasons(self, start: Start) -> None:
        run = start()
        run.state.report(DISK_FULL)
        run.state.record_refusal("too many")
        assert run.ended(signal.SIGTERM) == (143, "SIGTERM")
        assert run.state.summary(STATS, signal.SIGTERM).refused is None

    def test_a_refusal_is_fatal_but_does_not_stop_the_run(self, start: Start) -> None:
        run = start()
        run.state.record_refusal("too many")
        assert not run.state.must_stop
        assert run.ended() == (ExitCode.FATAL, None)
        assert run.state.summary(STATS).refused == "too many"

    @pytest.mark.parametrize(
        ("settings", "code"),
        [({}, 0), ({"strict": True}, 1), ({"error_on_empty": True}, 9), ({"strict": True, "error_on_empty": True}, 9)],
    )
    def test_settings_decide_what_counts_as_a_failure(self, start: Start, settings: dict[str, bool], code: int) -> None:
        run = start(**settings)
        run.state.report(Outcome(REF, Skipped(Reason.NOT_A_PICTURE)))
        assert run.ended() == (code, None)
