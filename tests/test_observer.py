"""The hooks of observers."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from forkresize import MaxPrune, PoolOptions, Recipe, Settings, run
from forkresize.errors import DestinationBusyError
from forkresize.exit_policy import ExitCode
from forkresize.job import Job, Source
from forkresize.observer import Activity, NodeActivity, Observer, StopRun, as_observer, count_running
from forkresize.outcome import Outcome
from forkresize.pool import Activity as WorkerActivity
from forkresize.store import LocalStore
from forkresize.summary import Summary
from tests.protocols import MakeOutcome


class _Recorder(Observer):
    def __init__(self) -> None:
        self.calls: list[str] = []

    def on_start(self) -> None:
        self.calls.append("start")

    def on_outcome(self, outcome: Outcome) -> None:
        self.calls.append(outcome.status)

    def on_tick(self, activities: Sequence[Activity]) -> None:
        assert len(activities) <= 1

    def on_finish(self, summary: Summary) -> None:
        self.calls.append(f"finish {summary.written}")


@pytest.mark.parametrize(("dry_run", "status", "written"), [(False, "written", 1), (True, "planned", 0)])
def test_hooks_are_called_in_the_order_of_a_run(
    dry_run: bool, status: str, written: int, tmp_path: Path, draw: Callable[..., Path]
) -> None:
    draw(tmp_path / "in/a.jpg")
    recorder = _Recorder()
    settings = Settings(dry_run=dry_run, pool=PoolOptions(workers=1, tick=0.001))
    run([tmp_path / "in"], tmp_path / "out", Recipe.of(width=8), settings=settings, observers=[recorder, Observer()])
    assert recorder.calls == ["start", status, f"finish {written}"]


def test_functions_are_called_with_outcomes(unchanged: MakeOutcome) -> None:
    outcomes: list[Outcome] = []
    observer = as_observer(outcomes.append)
    for hook in (
        observer.on_start,
        observer.on_waiting,
        lambda: observer.on_notice("text"),
        lambda: observer.on_tick([]),
    ):
        hook()
    observer.on_outcome(unchanged())
    assert outcomes == [unchanged()]


def test_observers_are_returned_as_they_are() -> None:
    observer = Observer()
    assert as_observer(observer) is observer


def test_pictures_in_progress_are_counted_by_worker_or_by_node() -> None:
    job = Job(Source("in/a.jpg", "a.jpg"), ())
    working: WorkerActivity[Job] = WorkerActivity(4711, job, 1.0)
    idle: WorkerActivity[Job] = WorkerActivity(4712, None, 0.0)
    node = NodeActivity(worker="node-1", pictures=256, made=250, seconds=3.0)
    assert [count_running(each) for each in (working, idle, node)] == [1, 0, 6]


class _Stopper(Observer):
    """Stop the run in a hook."""

    def __init__(self, hook: str) -> None:
        self._hook = hook
        self.calls: list[str] = []

    def _called(self, hook: str) -> None:
        self.calls.append(hook)
        if hook == self._hook:
            raise StopRun("enough")

    def on_start(self) -> None:
        self._called("start")

    def on_total(self, sources: int, *, is_final: bool) -> None:  # noqa: ARG002
        assert sources <= 40
        self._called("total")

    def on_outcome(self, _: Outcome) -> None:
        self._called("outcome")

    def on_tick(self, _: Sequence[Activity]) -> None:
        self._called("tick")

    def on_finish(self, _: Summary) -> None:
        self._called("finish")


@pytest.fixture
def photos(tmp_path: Path, draw: Callable[..., Path]) -> Path:
    first = draw(tmp_path / "in/00.jpg", (800, 600))
    for number in range(1, 40):
        os.link(first, tmp_path / f"in/{number:02}.jpg")
    return tmp_path / "in"


@pytest.mark.slow
@pytest.mark.parametrize("serial", [False, True])
@pytest.mark.parametrize("hook", ["start", "total", "outcome", "tick"])
def test_an_observer_stops_the_run_and_the_next_run_continues(
    hook: str, serial: bool, tmp_path: Path, photos: Path
) -> None:
    stopper, other = _Stopper(hook), _Recorder()
    settings = Settings(serial=serial, prune=True, pool=PoolOptions(workers=1, tick=0.001))
    summary = run([photos], tmp_path / "out", Recipe.of(width=8), settings=settings, observers=[stopper, other])
    assert (summary.exit_code, summary.stopped_by) == (ExitCode.STOPPED, "enough")
    assert summary.written < 40
    assert summary.written == 0 or hook != "start"
    assert stopper.calls[-1] == "finish"
    # Those after it are called nevertheless.
    assert other.calls == ["start", *["written"] * summary.written, f"finish {summary.written}"]
    again = run([photos], tmp_path / "out", Recipe.of(width=8), settings=settings)
    assert (again.unchanged, again.written, again.exit_code) == (summary.written, 40 - summary.written, 0)


def test_a_dry_run_can_be_stopped(tmp_path: Path, photos: Path) -> None:
    settings = Settings(dry_run=True)
    summary = run([photos], tmp_path / "out", Recipe.of(width=8), settings=settings, observers=[_Stopper("outcome")])
    assert (summary.exit_code, summary.stopped_by, summary.planned < 40) == (ExitCode.STOPPED, "enough", True)


@pytest.mark.slow
def test_pruning_can_be_stopped(tmp_path: Path, photos: Path) -> None:
    run([photos], tmp_path / "out", Recipe.of(width=8))
    for number in range(1, 40):
        (photos / f"{number:02}.jpg").unlink()

    def stop(outcome: Outcome) -> None:
        if outcome.status == "pruned":
            raise StopRun

    pruning = Settings(prune=True, max_prune=MaxPrune(100))
    summary = run([photos], tmp_path / "out", Recipe.of(width=8), settings=pruning, observers=[stop])
    assert (summary.pruned, summary.stopped_by) == (1, "an observer")
    assert len(list((tmp_path / "out").glob("*.jpg"))) == 39
    assert run([photos], tmp_path / "out", Recipe.of(width=8), settings=pruning).pruned == 38


def test_an_observer_need_not_wait_for_the_destination(tmp_path: Path, photos: Path) -> None:
    class Hurried(Observer):
        def on_waiting(self) -> None:
            raise StopRun("no time")

    settings = Settings(lock_wait=60)
    lock = LocalStore(str(tmp_path / "out")).lock(None, 0, lambda: None)
    with lock, pytest.raises(DestinationBusyError, match="did not wait for the destination: no time"):
        run([photos], tmp_path / "out", Recipe.of(width=8), settings=settings, observers=[Hurried()])


def test_the_total_is_announced_once_it_is_known(tmp_path: Path, photos: Path) -> None:
    totals: list[tuple[int, bool]] = []

    class Counter(Observer):
        def on_total(self, sources: int, *, is_final: bool) -> None:
            totals.append((sources, is_final))

    settings = Settings(pool=PoolOptions(workers=1, tick=0.001))
    run([photos], tmp_path / "out", Recipe.of(width=8), settings=settings, observers=[Counter()])
    assert totals[-1] == (40, True)
    assert [is_final for _, is_final in totals].count(True) == 1
    assert totals == sorted(totals)
