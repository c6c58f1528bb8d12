import multiprocessing
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from forkresize.pool.channel import WorkerChannel
from forkresize.pool.child import ChildProcess
from forkresize.pool.files import sealed_memfd
from forkresize.pool.handle import WorkerHandle
from forkresize.pool.protocol import MessageType, WorkerMessage, encode_message
from forkresize.pool.task import Task

needs_memfd = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="needs memfds")


@pytest.fixture
def worker() -> Iterator[WorkerHandle[str]]:
    """The handle of a process that does nothing, with tasks 1 and 2; the test is the worker."""
    process = multiprocessing.get_context("fork").Process(target=signal.pause)
    process.start()
    handle: WorkerHandle[str] = WorkerHandle(ChildProcess(process), WorkerChannel.open())
    handle.ready = True
    for number in (1, 2):
        task = Task(number, "x")
        task.serialize(str.encode)
        handle.assign(task)
    yield handle
    handle.process.kill()
    handle.process.reap()
    handle.close()


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
        (MessageType.SEND_FILES, 1, 0.0, False, True),
    ],
)
def test_only_possible_messages_about_the_first_task_are_valid(
    worker: WorkerHandle[str], kind: MessageType, number: int, seconds: float, stopped: bool, valid: bool
) -> None:
    assert worker.validate(WorkerMessage(kind, number, seconds, b"", b""), stopped=stopped) == valid
    assert worker.has_violated_protocol == (not valid)


def test_everything_after_a_violation_is_invalid(worker: WorkerHandle[str]) -> None:
    assert not worker.validate(WorkerMessage(MessageType.RETURNED, 9, 0.0, b"", b""), stopped=False)
    assert not worker.validate(WorkerMessage(MessageType.RETURNED, 1, 0.0, b"", b""), stopped=False)


def test_worker_may_report_its_initializer_until_it_is_ready(worker: WorkerHandle[str]) -> None:
    worker.ready = False
    assert worker.validate(WorkerMessage(MessageType.INIT_FAILED, 0, 0.0, b"", b""), stopped=False)


def test_corrupt_stream_is_a_violation(worker: WorkerHandle[str]) -> None:
    worker.channel.worker_end.sendall(b"\xff" * 100)
    assert worker.messages.receive() == []
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
