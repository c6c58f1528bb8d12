"""The hooks of observers."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from forkresize import PoolOptions, Recipe, Settings, run
from forkresize.job import Job, Source
from forkresize.observer import Activity, NodeActivity, Observer, as_observer, count_running
from forkresize.outcome import Outcome
from forkresize.pool import Activity as WorkerActivity
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
