import select
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from forkresize.pool import LossReason, NothingYet, WorkerLost
from forkresize.pool.queue import TaskQueue
from forkresize.pool.task import Task


class Receiver:
    def __init__(self, *, wanted: bool = True) -> None:
        self.wanted = wanted

    def start(self) -> bool:
        return self.wanted

    def finish(self, result: Any) -> None:
        raise NotImplementedError

    def abandon(self, error: Exception | None) -> None:
        raise NotImplementedError


def queue_of(items: Any) -> TaskQueue[str]:
    queue: TaskQueue[str] = TaskQueue()
    queue.open(items)
    return queue


def take_all(queue: TaskQueue[str]) -> list[str]:
    return [task.item for task in iter(queue.take, None)]


def lost(attempts: int) -> WorkerLost[str]:
    return WorkerLost(
        item="x",
        reason=LossReason.CRASHED,
        signal="SIGSEGV",
        exit_code=None,
        attempts=attempts,
        worker=1,
        seconds=0.0,
        stderr="",
    )


def test_items_are_taken_one_at_a_time_in_order_and_numbered() -> None:
    pulled: list[str] = []

    def items() -> Iterator[str]:
        for item in "abc":
            pulled.append(item)
            yield item

    queue = queue_of(items())
    first = queue.take(timeout=7)
    assert first is not None
    assert (first.number, first.item, first.timeout, pulled) == (1, "a", 7, ["a"])
    assert take_all(queue) == ["b", "c"]


def test_numbers_continue_with_the_next_source() -> None:
    queue = queue_of("ab")
    take_all(queue)
    queue.close()
    queue.open("c")
    task = queue.take()
    assert task is not None
    assert task.number == 3


def test_requeued_tasks_keep_their_order_and_come_first() -> None:
    queue = queue_of("abcd")
    tasks = [queue.take() for _ in range(2)]
    queue.requeue(task for task in tasks if task)
    assert take_all(queue) == ["a", "b", "c", "d"]


def test_exception_of_the_source_ends_it_and_is_kept() -> None:
    def items() -> Iterator[str]:
        yield "a"
        raise ValueError("no")

    queue = queue_of(items())
    assert take_all(queue) == ["a"]
    assert take_all(queue) == []
    assert str(queue.error) == "no"


def test_source_with_nothing_yet_is_not_asked_again_until_waiting_is_cleared() -> None:
    asked: list[int] = []

    def items() -> Iterator[str | NothingYet]:
        yield "a"
        asked.append(1)
        yield NothingYet(7)
        asked.append(2)
        yield "b"

    queue = queue_of(items())
    assert take_all(queue) == ["a"]
    assert take_all(queue) == []
    assert (queue.waiting, asked) == (NothingYet(7), [1])
    queue.waiting = None
    assert take_all(queue) == ["b"]


def test_closed_queue_forgets_the_source_but_keeps_submitted_tasks() -> None:
    queue = queue_of("ab")
    queue.submit("s", 1.0, Receiver())
    queue.requeue([Task(8, "r"), Task(9, "t", receiver=Receiver())])
    queue.close()
    assert take_all(queue) == ["t", "s"]


def test_submitted_tasks_come_before_those_of_the_source_unless_they_are_cancelled() -> None:
    queue = queue_of("ab")
    queue.submit("cancelled", 1.0, Receiver(wanted=False))
    queue.submit("wanted", 1.0, Receiver())
    assert take_all(queue) == ["wanted", "a", "b"]


@pytest.mark.parametrize("retries", [0, 1, 2])
def test_task_is_retried_as_often_as_the_limit_allows(retries: int) -> None:
    queue = queue_of("")
    task = Task(1, "x")
    for crashes in range(1, retries + 1):
        assert queue.schedule_retry(task, lost(crashes), retries)
        assert queue.retries.popleft() is task
    assert not queue.schedule_retry(task, lost(retries + 1), retries)
    assert queue.drain() == []


def test_latest_crash_is_retried_first() -> None:
    queue = queue_of("")
    for item in "ab":
        queue.schedule_retry(Task(1, item), lost(1), 2)
    assert [task.item for task in queue.retries] == ["b", "a"]


def test_retry_of_a_submitted_task_is_next() -> None:
    queue = queue_of("ab")
    queue.schedule_retry(Task(9, "s", receiver=Receiver()), lost(1), 2)
    assert not queue.retries
    assert take_all(queue) == ["s", "a", "b"]


def test_requeued_retry_stays_a_retry_and_has_its_last_loss_as_result() -> None:
    queue = queue_of("")
    queue.schedule_retry(Task(1, "a"), lost(1), 2)
    queue.requeue([queue.retries.popleft()])
    assert queue.take() is None
    assert [task.last_loss for task in queue.drain()] == [lost(1)]
    assert not queue.retries


def test_drain_removes_everything_but_the_rest_of_the_source() -> None:
    queue = queue_of("a")
    queue.submit("s", 1.0, Receiver())
    queue.requeue([Task(9, "r"), Task(8, "t", receiver=Receiver())])
    assert [task.item for task in queue.drain()] == ["r", "t", "s"]
    assert take_all(queue) == ["a"]


def test_nothing_yet_names_a_descriptor_that_can_be_polled() -> None:
    near, far = socket.socketpair()
    with near, far:
        far.send(b"x")
        assert select.select([NothingYet(near.fileno()).descriptor], [], [], 0)[0]
