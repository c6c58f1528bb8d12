import time
from collections.abc import Iterator

import pytest

from forkresize.pool.progress import TaskProgress
from forkresize.pool.shared import CurrentTask
from forkresize.pool.task import Task


@pytest.fixture
def current() -> Iterator[CurrentTask]:
    """The test is the worker, and writes here."""
    memory = CurrentTask()
    yield memory
    memory.close()


@pytest.fixture
def progress(current: CurrentTask) -> TaskProgress[str]:
    """Of a worker that has two tasks and has started none."""
    made: TaskProgress[str] = TaskProgress(current)
    made.assign(Task(1, "a"))
    made.assign(Task(2, "b"))
    return made


def test_assigned_task_is_current_once_it_is_started(progress: TaskProgress[str], current: CurrentTask) -> None:
    assert progress.read() == (None, progress.idle_since)
    since = current.set(1)
    task, read_since = progress.read()
    assert task is not None
    assert (task.item, read_since) == ("a", since)
    assert progress.assigned_count == 2


def test_finished_task_is_no_longer_current(progress: TaskProgress[str], current: CurrentTask) -> None:
    current.set(1)
    assert progress.complete_current().item == "a"
    assert progress.read() == (None, progress.idle_since)
    current.set(2)
    assert progress.read()[0] is progress.first


@pytest.mark.parametrize("number", [2, 999])
def test_any_other_number_counts_as_the_first_task(
    progress: TaskProgress[str], current: CurrentTask, number: int
) -> None:
    current.set(number)
    assert progress.read()[0] is progress.first


def test_start_claimed_for_the_future_is_the_time_it_was_first_seen(
    progress: TaskProgress[str], current: CurrentTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = time.monotonic() + 1000
    with monkeypatch.context() as patch:
        patch.setattr(time, "monotonic", lambda: later)
        current.set(1)
    first_seen = progress.read()[1]
    assert first_seen < later
    assert progress.read()[1] == first_seen


def test_waiting_for_memory_does_not_count(
    progress: TaskProgress[str], current: CurrentTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    since = current.set(1)
    progress.read()
    times = iter([100.0, 107.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(times))
    progress.begin_memory_wait()
    progress.end_memory_wait()
    progress.end_memory_wait()
    assert progress.read()[1] == since + 7


def test_first_requeued_is_the_first_that_was_requeued_often_enough(progress: TaskProgress[str]) -> None:
    progress.tasks[2].requeues = 3
    assert progress.first_requeued(4) is None
    assert progress.first_requeued(3) is progress.tasks[2]
    assert progress.first_requeued(0) is progress.tasks[1]
