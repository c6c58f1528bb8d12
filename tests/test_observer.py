"""The hooks of observers."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from forkresize import PoolOptions, Recipe, Settings, run
from forkresize.observer import Activity, Observer, as_observer
from forkresize.outcome import Outcome
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
    for hook in (observer.on_start, observer.on_waiting, lambda: observer.on_tick([])):
        hook()
    observer.on_outcome(unchanged())
    assert outcomes == [unchanged()]


def test_observers_are_returned_as_they_are() -> None:
    observer = Observer()
    assert as_observer(observer) is observer
