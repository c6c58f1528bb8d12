import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from forkresize.pool.channel import WorkerChannel
from forkresize.pool.child import ChildProcess
from forkresize.pool.files import WithFiles, sealed_memfd
from forkresize.pool.handle import WorkerHandle
from forkresize.pool.protocol import MAX_REQUESTS, MessageType, WorkerMessage, encode_message
from forkresize.pool.shared import SharedFlag
from forkresize.pool.task import Task

needs_memfd = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="needs memfds")


@pytest.fixture
def stop() -> SharedFlag:
    return SharedFlag()


def wait_for_signal() -> NoReturn:
    signal.pause()
    os._exit(1)


@pytest.fixture
def worker(stop: SharedFlag) -> Iterator[WorkerHandle[str]]:
    """The handle of a process that does nothing, with tasks 1 and 2; the test is the worker."""
    process = ChildProcess.fork(wait_for_signal)
    handle: WorkerHandle[str] = WorkerHandle(process, WorkerChannel.open(), stop)
    handle.ready = True
    for number in (1, 2):
        task = Task(number, "x")
        task.serialize(str.encode)
        handle.assign(task)
    yield handle
    handle.process.kill()
    handle.process.reap()
    handle.close()


def send(worker: WorkerHandle[str], kind: MessageType, number: int = 1, seconds: float = 0.0) -> bool:
    """Send a message; return whether it was accepted."""
    message = WorkerMessage(kind, number, seconds, b"", b"")
    worker.channel.worker_end.sendall(encode_message(message))
    accepted = list(worker.messages.receive()) == [message]
    assert worker.has_violated_protocol == (not accepted)
    return accepted


@pytest.mark.parametrize(
    ("kind", "number", "seconds", "stopped", "valid"),
    [
        (MessageType.RETURNED, 1, 0.0, False, True),
        (MessageType.RETURNED, 2, 0.0, False, False),
        (MessageType.RETURNED, 9, 0.0, False, False),
        (MessageType.RETURNED, 1, -1.0, False, False),
        (MessageType.RETURNED, 1, 1e9, False, False),
        (MessageType.NOT_STARTED, 1, 0.0, False, False),
        (MessageType.NOT_STARTED, 1, 0.0, True, True),
        (MessageType.READY, 0, 0.0, False, False),
        (MessageType.INIT_FAILED, 0, 0.0, False, False),
        (MessageType.OPEN_FILE, 2, 0.0, False, False),
        (MessageType.OPEN_FILE, 1, 0.0, False, True),
        (MessageType.SEND_FILES, 1, 0.0, False, False),
    ],
)
def test_only_possible_messages_about_the_first_task_are_valid(
    worker: WorkerHandle[str],
    stop: SharedFlag,
    kind: MessageType,
    number: int,
    seconds: float,
    stopped: bool,
    valid: bool,
) -> None:
    if stopped:
        stop.set()
    assert send(worker, kind, number, seconds) == valid


def test_files_may_be_requested_for_a_task_that_has_some(worker: WorkerHandle[str]) -> None:
    first = worker.tasks[1]
    first.item = WithFiles("x", ())  # type: ignore[assignment]
    assert send(worker, MessageType.SEND_FILES)


def test_everything_after_a_violation_is_invalid(worker: WorkerHandle[str]) -> None:
    assert not send(worker, MessageType.RETURNED, 9)
    assert not send(worker, MessageType.RETURNED)


def test_nothing_is_accepted_from_a_rejected_worker(worker: WorkerHandle[str]) -> None:
    worker.reject()
    assert not send(worker, MessageType.RETURNED)


def test_worker_may_report_its_initializer_until_it_is_ready(worker: WorkerHandle[str]) -> None:
    worker.ready = False
    assert send(worker, MessageType.INIT_FAILED, 0)


def test_result_resets_the_count_of_requests(worker: WorkerHandle[str]) -> None:
    assert all(worker.count_request() for _ in range(MAX_REQUESTS))
    worker.complete_task()
    assert all(worker.count_request() for _ in range(MAX_REQUESTS))
    assert not worker.count_request()
    assert worker.has_violated_protocol


def test_assigned_tasks_are_sent_in_order(worker: WorkerHandle[str]) -> None:
    assert worker.messages.flush()
    frames = b"".join(task.frame for task in worker.tasks.values())
    assert worker.channel.worker_end.recv(1000) == frames
    assert encode_message(WorkerMessage(1, 1, 0.0, b"", b"")) not in frames


@needs_memfd
def test_sealed_memfds_of_a_result_are_received(worker: WorkerHandle[str]) -> None:
    with sealed_memfd(b"pixels") as file:
        worker.channel.files.send_result([file, file])
    received = worker.receive_result_files()
    assert [os.pread(each.fileno(), 100, 0) for each in received] == [b"pixels", b"pixels"]
    for each in received:
        each.close()
    assert not worker.has_violated_protocol


@needs_memfd
def test_other_files_in_a_result_are_closed_and_a_violation(worker: WorkerHandle[str], tmp_path: Path) -> None:
    before = len(os.listdir("/dev/fd"))
    directory = os.open(tmp_path, os.O_RDONLY)
    with sealed_memfd(b"pixels") as file:
        socket.send_fds(worker.channel.files.worker_end, [b"f"], [file.fileno(), directory])
    os.close(directory)
    assert worker.receive_result_files() == ()
    assert worker.has_violated_protocol
    assert len(os.listdir("/dev/fd")) == before
