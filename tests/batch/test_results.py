from pathlib import Path

import pytest

from forkresize.batch.executor import NodeResult
from forkresize.batch.results import outcomes_from_result
from forkresize.batch.wire import OUTCOME_SERIALIZER, WireOutcome
from forkresize.job import Job, Output, Source
from forkresize.outcome import Execution, Failed, Outcome, OutputRef, Reason, Skipped
from forkresize.pool import Completed, LossReason, Raised, WorkerLost
from forkresize.store import LocalStore


@pytest.fixture
def job() -> Job:
    return Job(Source("in/a.jpg", "a.jpg", 10), (Output("a.jpg"),))


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(str(tmp_path), "tag")


def send(*outcomes: Outcome) -> list[WireOutcome]:
    answer: list[WireOutcome] = OUTCOME_SERIALIZER.decode(OUTCOME_SERIALIZER.encode(list(outcomes)))
    return answer


def failed(outcome: Outcome) -> Failed:
    assert isinstance(outcome.detail, Failed)
    return outcome.detail


def test_a_completed_result_keeps_detail_execution_and_stderr(job: Job, store: LocalStore) -> None:
    sent = Outcome(OutputRef(job.source), Skipped(Reason.NOT_A_PICTURE), warnings=("odd",))
    done = Completed(
        item=job, result=send(sent), attempts=2, worker=77, seconds=1.5, stderr="TIFFReadDirectory: hm\nagain\n"
    )
    (outcome,) = outcomes_from_result(done, store)
    assert isinstance(outcome.detail, Skipped)
    assert (outcome.execution.attempts, outcome.execution.worker, outcome.execution.seconds) == (2, 77, 1.5)
    assert outcome.warnings == ("odd", "TIFFReadDirectory: hm", "again")


def test_the_result_of_another_machine_names_it(job: Job, store: LocalStore) -> None:
    sent = send(Outcome(OutputRef(job.source, "x"), Failed(Reason.DAMAGED), warnings=("odd",)))
    done = NodeResult(item=job, outcomes=sent, attempts=2, worker="node-1:77", seconds=1.5)
    (outcome,) = outcomes_from_result(done, store)
    assert failed(outcome).reason is Reason.DAMAGED
    assert outcome.destination == store.location("a.jpg")
    assert outcome.warnings == ("odd",)
    assert outcome.execution == Execution(2, "node-1:77", 1.5)


def test_a_result_of_another_machine_about_other_outputs_is_a_protocol_violation(job: Job, store: LocalStore) -> None:
    done = NodeResult(item=job, outcomes=[], attempts=1, worker="node-1:77", seconds=0.0)
    (outcome,) = outcomes_from_result(done, store)
    assert failed(outcome).reason is Reason.PROTOCOL_VIOLATION


def test_warnings_of_a_worker_are_limited(job: Job, store: LocalStore) -> None:
    sent = Outcome(OutputRef(job.source), Skipped(Reason.NOT_A_PICTURE), warnings=tuple(map(str, range(10**5))))
    stderr = "".join(f"{number}\n" for number in range(999))
    done = Completed(item=job, result=send(sent), attempts=1, worker=7, seconds=0, stderr=stderr)
    (outcome,) = outcomes_from_result(done, store)
    assert len(outcome.warnings) == 50
    assert outcome.warnings[:2] == ("0", "1")
    assert "more" in outcome.warnings[-1]


@pytest.mark.parametrize("renditions", [[], [0, 0], [1], [0, 1]])
def test_a_result_about_other_outputs_is_a_protocol_violation(
    job: Job, store: LocalStore, renditions: list[int]
) -> None:
    made = [Outcome(OutputRef(job.source, "x", each), Failed(Reason.DAMAGED)) for each in renditions]
    (outcome,) = outcomes_from_result(
        Completed(item=job, result=send(*made), attempts=1, worker=7, seconds=0, stderr=""), store
    )
    assert failed(outcome).reason is Reason.PROTOCOL_VIOLATION


def test_an_outcome_for_all_outputs_must_be_the_only_one(store: LocalStore) -> None:
    two = Job(Source("in/a.jpg", "a.jpg", 10), (Output("a"), Output("b", rendition=1)))
    whole = Outcome(OutputRef(two.source), Skipped(Reason.NOT_A_PICTURE))
    one = Outcome(OutputRef(two.source, "b", 1), Failed(Reason.DAMAGED))
    (alone,) = outcomes_from_result(
        Completed(item=two, result=send(whole), attempts=1, worker=7, seconds=0, stderr=""), store
    )
    assert isinstance(alone.detail, Skipped)
    (both,) = outcomes_from_result(
        Completed(item=two, result=send(whole, one), attempts=1, worker=7, seconds=0, stderr=""), store
    )
    assert failed(both).reason is Reason.PROTOCOL_VIOLATION


def test_an_exception_in_a_worker_is_an_internal_error(job: Job, store: LocalStore) -> None:
    raised = Raised(item=job, error="ValueError: no", traceback="…", attempts=1, worker=7, seconds=0.1, stderr="")
    outcome = failed(outcomes_from_result(raised, store)[0])
    assert (outcome.reason, outcome.error) == (Reason.INTERNAL, "ValueError: no")


@pytest.mark.parametrize(
    ("loss", "signal", "exit_code", "reason", "message"),
    [
        (LossReason.CRASHED, "SIGSEGV", None, Reason.CRASHED, "SIGSEGV"),
        (LossReason.CRASHED, "SIGKILL", None, Reason.CRASHED, "out-of-memory killer"),
        (LossReason.CRASHED, None, 3, Reason.CRASHED, "exited with code 3"),
        (LossReason.TIMED_OUT, "SIGKILL", None, Reason.TIMED_OUT, "killed after 1.5 s; increase the timeout"),
        (LossReason.PROTOCOL_VIOLATION, "SIGKILL", None, Reason.PROTOCOL_VIOLATION, "may be malicious"),
        (LossReason.INTERRUPTED, "SIGKILL", None, Reason.INTERRUPTED, "SIGKILL"),
    ],
)
def test_a_lost_worker_fails_its_picture(
    job: Job,
    store: LocalStore,
    loss: LossReason,
    signal: str | None,
    exit_code: int | None,
    reason: Reason,
    message: str,
) -> None:
    lost = WorkerLost(
        item=job, reason=loss, signal=signal, exit_code=exit_code, attempts=2, worker=7, seconds=1.5, stderr=""
    )
    (outcome,) = outcomes_from_result(lost, store)
    assert (outcome.reason, failed(outcome).signal, outcome.execution.attempts) == (reason, signal, 2)
    assert message in outcome.error


@pytest.mark.parametrize(
    "stderr",
    [
        "memory allocation of 123 bytes failed",
        "terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc",
        "cannot allocate memory for thread-local data: ABORT",
        "throwing an instance of 'std::system_error'\n  what():  Resource temporarily unavailable",
        "thread '<unnamed>' panicked at library/std/src/thread/mod.rs:729:29:\nfailed to spawn thread: Os",
        "Fatal Python error: _PyErr_NormalizeException: Cannot recover from MemoryErrors",
    ],
)
def test_a_worker_that_ran_out_of_memory_reached_the_memory_limit(job: Job, store: LocalStore, stderr: str) -> None:
    lost = WorkerLost(
        item=job,
        reason=LossReason.CRASHED,
        signal="SIGABRT",
        exit_code=None,
        attempts=1,
        worker=7,
        seconds=1,
        stderr=stderr,
    )
    assert failed(outcomes_from_result(lost, store)[0]).reason is Reason.MEMORY_LIMIT
