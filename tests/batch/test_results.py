import os
from pathlib import Path

import pytest

from forkresize.batch.results import outcomes_from_result
from forkresize.batch.wire import OUTCOME_SERIALIZER, WireOutcome
from forkresize.job import Job, Output, Source
from forkresize.outcome import Failed, Outcome, OutputRef, Reason, Skipped
from forkresize.pool import Completed, LossReason, Raised, WorkerLost
from forkresize.store import LocalStore, files


@pytest.fixture
def job() -> Job:
    return Job(Source("in/a.jpg", "a.jpg", 10), (Output("a.jpg"),))


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(str(tmp_path), "tag")


def told(*outcomes: Outcome) -> list[WireOutcome]:
    answer: list[WireOutcome] = OUTCOME_SERIALIZER.decode(OUTCOME_SERIALIZER.encode(list(outcomes)))
    return answer


def failed(outcome: Outcome) -> Failed:
    assert isinstance(outcome.detail, Failed)
    return outcome.detail


def test_what_the_worker_says_is_kept_with_what_it_took(job: Job, store: LocalStore) -> None:
    said = Outcome(OutputRef(job.source), Skipped(Reason.NOT_A_PICTURE), warnings=("odd",))
    done = Completed(
        item=job, result=told(said), attempts=2, worker=77, seconds=1.5, stderr="TIFFReadDirectory: hm\nagain\n"
    )
    (outcome,) = outcomes_from_result(done, store)
    assert isinstance(outcome.detail, Skipped)
    assert (outcome.execution.attempts, outcome.execution.worker, outcome.execution.seconds) == (2, 77, 1.5)
    assert outcome.warnings == ("odd", "TIFFReadDirectory: hm", "again")


def test_what_a_worker_says_without_end_is_cut(job: Job, store: LocalStore) -> None:
    said = Outcome(OutputRef(job.source), Skipped(Reason.NOT_A_PICTURE), warnings=tuple(map(str, range(10**5))))
    stderr = "".join(f"{number}\n" for number in range(999))
    done = Completed(item=job, result=told(said), attempts=1, worker=7, seconds=0, stderr=stderr)
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
        Completed(item=job, result=told(*made), attempts=1, worker=7, seconds=0, stderr=""), store
    )
    assert failed(outcome).reason is Reason.PROTOCOL_VIOLATION


def test_one_outcome_for_all_stands_alone(store: LocalStore) -> None:
    two = Job(Source("in/a.jpg", "a.jpg", 10), (Output("a"), Output("b", rendition=1)))
    whole = Outcome(OutputRef(two.source), Skipped(Reason.NOT_A_PICTURE))
    one = Outcome(OutputRef(two.source, "b", 1), Failed(Reason.DAMAGED))
    (alone,) = outcomes_from_result(
        Completed(item=two, result=told(whole), attempts=1, worker=7, seconds=0, stderr=""), store
    )
    assert isinstance(alone.detail, Skipped)
    (both,) = outcomes_from_result(
        Completed(item=two, result=told(whole, one), attempts=1, worker=7, seconds=0, stderr=""), store
    )
    assert failed(both).reason is Reason.PROTOCOL_VIOLATION


@pytest.mark.parametrize(("attempts", "left"), [(1, 1), (2, 0)])
def test_leftovers_of_an_earlier_worker_are_removed(job: Job, store: LocalStore, attempts: int, left: int) -> None:
    Path(files.temporary_path(store.location("a.jpg"), "tag")).write_bytes(b"half")
    said = Outcome(OutputRef(job.source), Failed(Reason.DAMAGED))
    outcomes_from_result(
        Completed(item=job, result=told(said), attempts=attempts, worker=7, seconds=0, stderr=""), store
    )
    assert len(os.listdir(store.root)) == left


def test_a_temporary_file_that_stays_is_told_of(job: Job, store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files, "remove_temporary", refuse)
    lost = WorkerLost(
        item=job, reason=LossReason.CRASHED, signal=None, exit_code=3, attempts=1, worker=7, seconds=1, stderr=""
    )
    assert "left behind" in outcomes_from_result(lost, store)[0].warnings[0]


def test_what_a_worker_raised_is_an_internal_error(job: Job, store: LocalStore) -> None:
    raised = Raised(item=job, error="ValueError: no", traceback="…", attempts=1, worker=7, seconds=0.1, stderr="")
    outcome = failed(outcomes_from_result(raised, store)[0])
    assert (outcome.reason, outcome.error) == (Reason.INTERNAL, "ValueError: no")


@pytest.mark.parametrize(
    ("loss", "signal", "exit_code", "reason", "told"),
    [
        (LossReason.CRASHED, "SIGSEGV", None, Reason.CRASHED, "SIGSEGV"),
        (LossReason.CRASHED, "SIGKILL", None, Reason.CRASHED, "memory runs out"),
        (LossReason.CRASHED, None, 3, Reason.CRASHED, "exit code 3"),
        (LossReason.TIMED_OUT, "SIGKILL", None, Reason.TIMED_OUT, "stopped after 1.5 s; --timeout"),
        (LossReason.PROTOCOL_VIOLATION, "SIGKILL", None, Reason.PROTOCOL_VIOLATION, "taken over"),
        (LossReason.INTERRUPTED, "SIGKILL", None, Reason.INTERRUPTED, "SIGKILL"),
    ],
)
def test_a_lost_worker_costs_its_picture_and_leaves_no_file(
    job: Job, store: LocalStore, loss: LossReason, signal: str | None, exit_code: int | None, reason: Reason, told: str
) -> None:
    Path(files.temporary_path(store.location("a.jpg"), "tag")).write_bytes(b"half")
    lost = WorkerLost(
        item=job, reason=loss, signal=signal, exit_code=exit_code, attempts=2, worker=7, seconds=1.5, stderr=""
    )
    (outcome,) = outcomes_from_result(lost, store)
    assert (outcome.reason, failed(outcome).signal, outcome.execution.attempts) == (reason, signal, 2)
    assert told in outcome.error
    assert os.listdir(store.root) == []


@pytest.mark.parametrize("said", ["memory allocation of 123 bytes failed", "what():  std::bad_alloc"])
def test_a_worker_that_ended_for_want_of_memory_met_the_limit(job: Job, store: LocalStore, said: str) -> None:
    lost = WorkerLost(
        item=job,
        reason=LossReason.CRASHED,
        signal="SIGABRT",
        exit_code=None,
        attempts=1,
        worker=7,
        seconds=1,
        stderr=said,
    )
    assert failed(outcomes_from_result(lost, store)[0]).reason is Reason.MEMORY_LIMIT
