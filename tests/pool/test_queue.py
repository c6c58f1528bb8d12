from collections.abc import Iterator

import pytest

from forkresize.pool import LossReason, WorkerLost
from forkresize.pool.queue import Task, TaskQueue


def taken(backlog: TaskQueue[str]) -> list[str]:
    return [task.item for task in iter(backlog.take, None)]


def test_items_are_taken_one_at_a_time_in_order_and_numbered() -> None:
    pulled: list[str] = []

    def items() -> Iterator[str]:
        for item in "abc":
            pulled.append(item)
            yield item

    backlog = TaskQueue(items(), first_number=5)
    first = backlog.take()
    assert first is not None
    assert (first.number, first.item, pulled) == (5, "a", ["a"])
    assert taken(backlog) == ["b", "c"]
    assert backlog.next_number == 8


def test_what_is_given_back_comes_before_the_rest_in_its_order() -> None:
    backlog = TaskQueue("abcd")
    tasks = [backlog.take() for _ in range(2)]
    backlog.give_back(task for task in tasks if task)
    assert taken(backlog) == ["a", "b", "c", "d"]


def test_an_exception_ends_the_items_and_is_kept() -> None:
    def items() -> Iterator[str]:
        yield "a"
        raise ValueError("no")

    backlog = TaskQueue(items())
    assert taken(backlog) == ["a"]
    assert taken(backlog) == []
    assert str(backlog.error) == "no"


def lost(attempts: int) -> WorkerLost[str]:
    return WorkerLost("x", LossReason.CRASHED, "SIGSEGV", None, attempts, 1, 0.0, "")


@pytest.mark.parametrize("retries", [0, 1, 2])
def test_a_task_is_suspected_as_often_as_it_may_be_tried_again(retries: int) -> None:
    backlog: TaskQueue[str] = TaskQueue(())
    task = Task(1, "x")
    for deaths in range(1, retries + 1):
        assert backlog.suspect(task, lost(deaths), retries)
        assert backlog.suspects.popleft() is task
    assert not backlog.suspect(task, lost(retries + 1), retries)
    assert backlog.give_up() == []


def test_who_killed_again_is_tried_again_before_the_other_suspects() -> None:
    backlog: TaskQueue[str] = TaskQueue(())
    for item in "ab":
        backlog.suspect(Task(1, item), lost(1), 2)
    assert [task.item for task in backlog.suspects] == ["b", "a"]


def test_a_suspect_that_is_given_back_stays_one_and_is_answered_for() -> None:
    backlog: TaskQueue[str] = TaskQueue(())
    backlog.suspect(Task(1, "a"), lost(1), 2)
    backlog.give_back([backlog.suspects.popleft()])
    assert backlog.take() is None
    assert backlog.give_up() == [lost(1)]
    assert not backlog.suspects


pickled: list[int] = []


class Counted:
    def __reduce__(self) -> tuple[type, tuple[()]]:
        pickled.append(1)
        return Counted, ()


def test_an_item_is_pickled_once() -> None:
    pickled.clear()
    task = Task(1, Counted())
    for _ in range(2):
        task.pack()
    assert task.order
    assert len(pickled) == 1
