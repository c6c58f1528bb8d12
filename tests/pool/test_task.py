import math
import pickle
from io import FileIO
from typing import Any

import pytest

from forkresize.pool import Completed, LossReason, Raised, WithFiles
from forkresize.pool.files import MAX_FILES
from forkresize.pool.protocol import TASK_HEADER, Failure, MessageType, WorkerMessage, encode_failure
from forkresize.pool.task import Task


def message(kind: MessageType, payload: bytes, files: tuple[FileIO, ...] = ()) -> WorkerMessage:
    return WorkerMessage(kind, 3, 0.5, b"warning \xff", payload, files)


def test_item_is_serialized_once() -> None:
    encoded: list[str] = []

    def encode(item: str) -> bytes:
        encoded.append(item)
        return b"item"

    task = Task(3, "x")
    for _ in range(2):
        task.serialize(encode)
    assert encoded == ["x"]
    assert task.frame == TASK_HEADER.pack(3, 4, 0) + b"item"


def test_files_are_announced_but_not_serialized() -> None:
    with open("/dev/null", "rb", buffering=0) as file:
        task = Task(3, WithFiles("x", (file, file)))
        task.serialize(str.encode)
        assert task.frame == TASK_HEADER.pack(3, 1, 2) + b"x"
        with pytest.raises(ValueError, match=f"65 files with one task, more than {MAX_FILES}"):
            Task(4, WithFiles("x", (file,) * 65)).serialize(str.encode)


def test_returned_message_becomes_completed() -> None:
    task = Task(3, "x", last_loss=Task(3, "x").make_loss(LossReason.CRASHED, 7, -9, 1.0, b""))
    result = task.result_from(message(MessageType.RETURNED, pickle.dumps(5)), 8, pickle.loads)
    assert result == Completed(
        item="x", result=5, attempts=2, worker=8, seconds=0.5, stderr="warning \N{REPLACEMENT CHARACTER}"
    )


def test_raised_message_becomes_raised() -> None:
    payload = encode_failure(Failure("ValueError: no", "Traceback"))
    result = Task(3, "x").result_from(message(MessageType.RAISED, payload), 8, pickle.loads)
    assert isinstance(result, Raised)
    assert (result.error, result.traceback, result.attempts) == ("ValueError: no", "Traceback", 1)


@pytest.mark.parametrize("kind", [MessageType.RETURNED, MessageType.RAISED, MessageType.RETURNED_FILES])
def test_invalid_payload_becomes_raised_and_its_files_are_closed(kind: MessageType) -> None:
    def refuse(_: Any) -> object:
        raise ValueError("invalid")

    file = open("/dev/null", "rb", buffering=0)  # noqa: SIM115
    assert isinstance(file, FileIO)
    result = Task(3, "x").result_from(message(kind, b"\xff", (file,)), 8, refuse)
    assert isinstance(result, Raised)
    assert file.closed


def test_loss_names_the_signal_or_the_exit_code() -> None:
    task = Task(3, "x", math.inf)
    killed = task.make_loss(LossReason.TIMED_OUT, 7, -9, 1.0, b"end")
    assert (killed.signal, killed.exit_code, killed.attempts, killed.stderr) == ("SIGKILL", None, 1, "end")
    exited = task.make_loss(LossReason.CRASHED, 7, 3, 1.0, b"")
    assert (exited.signal, exited.exit_code) == (None, 3)


def test_item_that_cannot_be_serialized_has_no_attempts() -> None:
    result = Task(3, "x").make_rejection(MemoryError())
    assert (result.error, result.attempts) == ("MemoryError", 0)
