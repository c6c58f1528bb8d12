"""What every executor has to do. Each test runs with a pool of workers and with the serial executor."""

import gc
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from pathlib import Path

import pytest
from PIL import Image

from forkresize.batch import prepare
from forkresize.batch.executor import Executor, JobResult, NodeResult, OnTick, RecordingExecutor, SerialExecutor
from forkresize.batch.local import LocalExecutor
from forkresize.batch.worker import WorkerSetup
from forkresize.errors import StopRequested
from forkresize.job import Job, Output, Source
from forkresize.ledger import open_ledger
from forkresize.outcome import Outcome, Skipped, Written
from forkresize.pool import Completed, NothingYet, PoolOptions, Raised
from forkresize.recipe import Recipe
from forkresize.store import LocalStore
from tests.protocols import Draw

Create = Callable[[], Executor]


@pytest.fixture(params=["local", "serial"])
def create(request: pytest.FixtureRequest, tmp_path: Path) -> Create:
    """Create an executor of each kind."""
    setup = WorkerSetup.of(Recipe.of(width=8), LocalStore(str(tmp_path / "out"), "run-id"))
    if request.param == "serial":
        return lambda: SerialExecutor(setup)
    return lambda: LocalExecutor(setup, PoolOptions(workers=2, tick=0.01))


@pytest.fixture
def jobs(tmp_path: Path, draw: Draw) -> list[Job]:
    return [_job(draw(tmp_path / f"in/{number}.jpg", (16, 12)), f"{number}.jpg") for number in range(5)]


def _job(source: Path, key: str) -> Job:
    return Job(Source(str(source), source.name, source.stat().st_size), (Output(key),))


def test_each_job_has_one_result_and_its_output(create: Create, tmp_path: Path, jobs: list[Job]) -> None:
    with create() as executor:
        results = list(executor.run(jobs))
        stats = executor.stats
    assert sorted(result.item.source.relative for result in results) == [f"{number}.jpg" for number in range(5)]
    for result in results:
        assert isinstance(result, Completed)
        [outcome] = result.result
        assert isinstance(outcome.detail, Written)
        assert (outcome.rendition, result.attempts) == (0, 1)
        with Image.open(tmp_path / "out" / result.item.outputs[0].key) as image:
            assert image.size == (8, 6)
    assert stats.workers >= 1
    assert stats.busy_seconds > 0
    assert stats.workers_lost == 0


def test_paths_that_are_not_valid_text_reach_the_worker(create: Create, tmp_path: Path, draw: Draw) -> None:
    source = draw(tmp_path / "in/a.jpg").rename(tmp_path / os.fsdecode(b"in/\xff.jpg"))
    with create() as executor:
        [result] = executor.run([_job(source, os.fsdecode(b"\xfe.jpg"))])
    assert isinstance(result, Completed)
    assert isinstance(result.result[0].detail, Written)
    assert os.path.exists(os.fsencode(tmp_path) + b"/out/\xfe.jpg")


def test_a_file_that_is_not_a_picture_is_skipped(create: Create, tmp_path: Path) -> None:
    source = tmp_path / "notes.txt"
    source.write_text("notes")
    with create() as executor:
        [result] = executor.run([_job(source, "out.jpg")])
    assert isinstance(result, Completed)
    assert [(outcome.rendition, type(outcome.detail)) for outcome in result.result] == [(0, Skipped)]


def test_a_bug_costs_one_job(create: Create, jobs: list[Job], monkeypatch: pytest.MonkeyPatch) -> None:
    from forkresize.batch import render_job as module

    real = module.render_job

    def render(job: Job, *arguments: object) -> object:
        if job.source.relative == "2.jpg":
            raise ZeroDivisionError("a bug")
        return real(job, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "render_job", render)
    with create() as executor:
        results = list(executor.run(jobs))
    [raised] = (result for result in results if isinstance(result, Raised))
    assert raised.item.source.relative == "2.jpg"
    assert raised.error == "ZeroDivisionError: a bug"
    assert "in render" in raised.traceback
    assert len(results) == 5


def test_after_stop_no_more_jobs_are_started(create: Create, jobs: list[Job]) -> None:
    endless = (jobs[number % len(jobs)] for number in count())
    with create() as executor:
        results = []
        for result in executor.run(endless):
            results.append(result)
            executor.stop()
        assert executor.stopping
    assert 1 <= len(results) <= 6
    assert executor.interrupted is None


def test_a_stop_signal_lets_running_jobs_finish(create: Create, jobs: list[Job]) -> None:
    endless = (jobs[number % len(jobs)] for number in count())
    with create() as executor:
        results = []
        for result in executor.run(endless):
            results.append(result)
            if len(results) == 1:
                signal.raise_signal(signal.SIGTERM)
        assert (executor.stopping, executor.interrupted) == (True, signal.SIGTERM)
    assert all(isinstance(result, Completed) for result in results)
    assert len(results) <= 6


def test_an_error_of_the_jobs_is_raised_after_the_results_of_earlier_jobs(
    create: Create, tmp_path: Path, jobs: list[Job]
) -> None:
    def failing() -> Iterator[Job]:
        yield jobs[0]
        raise LookupError("no more")

    results: list[JobResult | NodeResult] = []
    with create() as executor, pytest.raises(LookupError, match="no more"):
        results.extend(executor.run(failing()))
    assert all(isinstance(result, Completed) for result in results)
    assert (tmp_path / "out/0.jpg").exists()


def test_jobs_that_come_later_are_executed_when_their_descriptor_is_readable(create: Create, jobs: list[Job]) -> None:
    reader, writer = os.pipe()

    def late() -> Iterator[Job | NothingYet]:
        yield jobs[0]
        os.write(writer, b"x")
        yield NothingYet(reader)
        yield jobs[1]

    with create() as executor:
        assert sorted(result.item.source.relative for result in executor.run(late())) == ["0.jpg", "1.jpg"]
    os.close(reader)
    os.close(writer)


def test_a_stop_signal_ends_the_wait_for_jobs(create: Create, jobs: list[Job]) -> None:
    reader, writer = os.pipe()

    def endless() -> Iterator[Job | NothingYet]:
        yield jobs[0]
        while True:
            os.kill(os.getpid(), signal.SIGTERM)
            yield NothingYet(reader)

    with create() as executor:
        assert len(list(executor.run(endless()))) <= 1
        assert executor.interrupted == signal.SIGTERM
    os.close(reader)
    os.close(writer)


def test_a_second_stop_signal_ends_a_serial_run_at_once(tmp_path: Path, jobs: list[Job]) -> None:
    setup = WorkerSetup.of(Recipe.of(width=8), LocalStore(str(tmp_path / "out"), "run-id"))
    with SerialExecutor(setup) as executor:
        next(executor.run(jobs))
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(StopRequested) as stop:
            repeat(signal.SIGTERM)
    assert stop.value.signum == signal.SIGTERM


def repeat(signum: signal.Signals) -> None:
    """Send signals until one is not taken for an echo of the first."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        signal.raise_signal(signum)
        time.sleep(0.01)


def test_a_run_uses_the_executor_that_it_is_given(tmp_path: Path, jobs: list[Job]) -> None:
    setups: list[WorkerSetup] = []

    def create_serial(setup: WorkerSetup, on_tick: OnTick | None) -> Executor:
        setups.append(setup)
        return SerialExecutor(setup, on_tick)

    plan = prepare([tmp_path / "in"], tmp_path / "out", Recipe.of(width=8))
    workers: set[str | int | None] = set()
    summary = plan.execute([lambda outcome: workers.add(outcome.execution.worker)], create_executor=create_serial)
    assert (summary.written, summary.stats.workers) == (len(jobs), 1)
    assert workers == {os.getpid()}
    # Nothing stays frozen: there is no pool that would end it.
    assert (gc.isenabled(), gc.get_freeze_count()) == (True, 0)
    assert [os.fsdecode(setup.destination).rstrip("/") for setup in setups] == [str(tmp_path / "out")]


class _OtherMachine(SerialExecutor, RecordingExecutor):
    """Makes outputs with their final keys, as another machine does that records them as well."""

    began = 0

    def begin(self, run: int) -> None:
        self.began = run

    def run(self, jobs: Iterable[Job | NothingYet]) -> Iterator[NodeResult]:  # type: ignore[override]
        for result in super().run(jobs):
            assert isinstance(result, Completed)
            assert all(output.staged == "" for output in result.item.outputs)
            yield NodeResult(item=result.item, attempts=1, worker="node-1:4711", seconds=0.5, outcomes=result.result)


def test_outputs_that_another_machine_makes_are_neither_moved_nor_recorded_again(
    tmp_path: Path, jobs: list[Job]
) -> None:
    executors: list[_OtherMachine] = []
    outcomes: list[Outcome] = []

    def create_other(setup: WorkerSetup, on_tick: OnTick | None) -> Executor:
        executors.append(_OtherMachine(setup, on_tick))
        return executors[0]

    plan = prepare([tmp_path / "in"], tmp_path / "out", Recipe.of(width=8))
    summary = plan.execute([outcomes.append], create_executor=create_other)
    assert summary.written == len(jobs)
    assert {(each.execution.worker, each.execution.seconds) for each in outcomes} == {("node-1:4711", 0.5)}
    with open_ledger(str(tmp_path / "out")) as ledger:
        assert executors[0].began == 1
        assert list(ledger.iter_records()) == []
