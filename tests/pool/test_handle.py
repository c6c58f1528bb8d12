import errno
import multiprocessing
import os
import signal
import socket
from collections.abc import Callable, Container, Iterator
from itertools import count
from multiprocessing.context import ForkProcess
from types import ModuleType
from typing import Any

import pytest

from forkresize.errors import BrokenPoolError
from forkresize.pool import Completed, LossReason, Pool, PoolOptions, TaskResult, WorkerLost, handle
from forkresize.pool.channel import WorkerChannel
from forkresize.pool.handle import WorkerHandle
from forkresize.pool.protocol import WorkerMessage, encode_message
from forkresize.pool.queue import Task

Run = Callable[..., list[TaskResult[Any, Any]]]

REPORT = WorkerMessage(1, 7, 0.5, b"", b"payload")

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def member() -> Iterator[WorkerHandle[str]]:
    """A handle of a process that does nothing; the test is the worker, at the far end of the pipe."""
    process = multiprocessing.get_context("fork").Process(target=signal.pause)
    process.start()
    member: WorkerHandle[str] = WorkerHandle(process, WorkerChannel.open())
    yield member
    member.kill()
    member.end()
    member.close()


def test_what_a_worker_wrote_before_it_died_is_read_though_its_own_input_was_not(member: WorkerHandle[str]) -> None:
    task = Task(1, "unread")
    task.pack()
    member.give(task)
    assert member.flush()
    member.station.far.sendall(encode_message(REPORT) * 2)
    member.station.far.close()
    assert list(member.drain()) == [REPORT, REPORT]
    assert member.gone


def test_who_goes_on_writing_is_not_listened_to_for_ever(
    member: WorkerHandle[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handle, "_CHUNK", len(encode_message(REPORT)))
    monkeypatch.setattr(handle, "_MOST_READS", 3)
    member.station.far.sendall(encode_message(REPORT) * 5)
    assert list(member.drain()) == [REPORT] * 3
    assert list(member.drain()) == [REPORT] * 2


def test_a_pipe_that_stays_reset_is_at_its_end(member: WorkerHandle[str], monkeypatch: pytest.MonkeyPatch) -> None:
    class Reset(socket.socket):
        def recv(self, *_: object) -> bytes:
            raise ConnectionResetError

    with Reset() as reset:
        monkeypatch.setattr(handle, "_CHUNK", 1)
        station = WorkerChannel(
            reset, member.station.far, member.station.slot, member.station.stderr, member.station.lending
        )
        monkeypatch.setattr(member, "station", station)
        assert member.receive() == []
        monkeypatch.undo()
    assert member.gone


def test_a_pipe_with_nothing_to_read_is_not_at_its_end(member: WorkerHandle[str]) -> None:
    assert member.receive() == []
    assert not member.gone


def test_tasks_that_the_pipe_has_no_room_for_arrive_whole_once_it_has(member: WorkerHandle[str]) -> None:
    tasks = [Task(number, str(number) * 600_000) for number in (1, 2, 3)]
    received = b""
    for task in tasks:
        task.pack()
        member.give(task)
        assert not member.flush()
    while not member.flush():
        received += member.station.far.recv(1 << 20)
    expected = b"".join(task.order for task in tasks)
    while len(received) < len(expected):
        received += member.station.far.recv(1 << 20)
    assert received == expected


def test_what_is_sent_to_a_dead_worker_is_no_error(member: WorkerHandle[str]) -> None:
    member.station.far.close()
    task = Task(1, "lost")
    task.pack()
    member.give(task)
    assert member.flush()


@pytest.mark.parametrize("fault", ["kill_itself", "close_every_pipe", "hang"])
def test_without_process_descriptors_deaths_are_noticed_all_the_same(
    run: Run, faults: ModuleType, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    answers = run(faults.At(2, getattr(faults, fault)), range(6), timeout=20 if fault != "hang" else 1.5, retries=0)
    assert [type(answer) for answer in answers] == [Completed, Completed, WorkerLost, Completed, Completed, Completed]
    assert getattr(answers[2], "signal", None) == "SIGKILL"


def test_a_worker_that_outlives_sigkill_is_taken_for_dead(faults: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one does that waits for a disk, which can't be had here: SIGKILL is held back instead."""
    with Pool(faults.call, options=PoolOptions(workers=1, timeout=0.5)) as pool:
        monkeypatch.setattr(handle, "_GRACE", 0.05)
        monkeypatch.setattr(ForkProcess, "kill", lambda _: None)
        (answer,) = pool.imap_unordered([faults.hang])
    assert isinstance(answer, WorkerLost)
    assert (answer.reason, answer.signal) == (LossReason.TIMED_OUT, "SIGKILL")
    (process,) = multiprocessing.active_children()
    os.kill(answer.worker, signal.SIGKILL)
    process.join()
    process.close()


def refuse_processes(monkeypatch: pytest.MonkeyPatch, refused: Container[int]) -> None:
    """Let the starts fail that have these numbers, counted from 0."""
    starts = count()
    real = ForkProcess.start

    def start(self: ForkProcess) -> None:
        if next(starts) in refused:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        real(self)

    monkeypatch.setattr(ForkProcess, "start", start)


def test_where_no_further_process_is_allowed_it_goes_on_with_those_there_are(
    run: Run, faults: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_processes(monkeypatch, range(2, 99))
    answers = run(faults.At(-1, faults.fail, pause=0.01), range(20), workers=4)
    assert {type(answer) for answer in answers} == {Completed}
    assert len({answer.worker for answer in answers}) == 2


def test_a_job_for_which_no_process_could_be_started_waits_for_the_next(
    run: Run, faults: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_processes(monkeypatch, [1])
    answers = run(faults.double, range(4), workers=2, max_tasks=1)
    assert [answer.result for answer in answers if isinstance(answer, Completed)] == [0, 2, 4, 6]


def test_where_no_process_is_allowed_the_pool_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_processes(monkeypatch, [0])
    with Pool(str) as pool, pytest.raises(BrokenPoolError, match=r"no worker can be started: .*temporarily"):
        list(pool.imap_unordered([1]))
