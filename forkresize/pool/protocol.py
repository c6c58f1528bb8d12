"""The messages between the pool and a worker, and their framing.

A frame is a fixed header and a payload. The header alone says which task it is about, so a payload that cannot be
decoded still belongs to a task. Serializing the header together with the payload would take ten times as long.
"""

import json
import math
import struct
import traceback
from enum import IntEnum
from io import FileIO
from typing import NamedTuple

from msgspec import Struct

TASK_HEADER = struct.Struct("=QQI")
"""Number of the task, bytes of the serialized item that follow, number of its files."""

_MESSAGE_HEADER = struct.Struct("=BQdIQ")
"""MessageType, number of the task, seconds, bytes of standard error that follow, bytes of payload that follow those."""

_MEMORY_BYTES = 8

MAX_PAYLOAD = 1 << 26
"""Bytes. Large data crosses in files, so no honest result is near this."""

_MAX_STDERR = 1 << 16
"""Bytes; a worker keeps less of it."""


class MessageType(IntEnum):
    """What a worker reports or asks for."""

    RETURNED = 1
    """The work function returned; the payload is the result, serialized."""
    RAISED = 2
    """The work function raised; the payload is a Failure."""
    NOT_STARTED = 3
    """The pool was stopped before the task was started."""
    INIT_FAILED = 4
    """The initializer raised; the payload is a Failure. Belongs to no task."""
    OPEN_FILE = 5
    """The task waits for the pool to open a file; the payload is its path."""
    RESERVE_MEMORY = 6
    """The task waits for memory; the payload is the number of bytes."""
    READY = 7
    """The initializer is done. Sent once, before any task can take the worker over. Belongs to no task."""
    SEND_FILES = 8
    """The task waits for its files; there is no payload."""
    RETURNED_FILES = 9
    """As RETURNED, with files that wait in the descriptor channel."""


_MESSAGE_TYPES = frozenset(map(int, MessageType))


class WorkerMessage(NamedTuple):
    """A message from a worker."""

    kind: int  # A MessageType.
    number: int
    seconds: float  # Wall time the task took.
    stderr: bytes | bytearray
    payload: bytes | bytearray
    files: tuple[FileIO, ...] = ()  # Of the result; never part of the frame.


class Failure(Struct, frozen=True):
    """An exception as text, since not every exception can be pickled."""

    error: str  # The last line of the traceback.
    traceback: str

    @classmethod
    def of(cls, error: BaseException) -> "Failure":
        """Describe an exception, even one whose ``__str__`` raises."""
        try:
            last = traceback.format_exception_only(error)[-1].strip()
            return cls(last, "".join(traceback.format_exception(error)))
        except Exception as another:  # noqa: BLE001  For example when memory is exhausted.
            return cls(type(error).__name__, f"no traceback: {type(another).__name__}")


def encode_task(number: int, item: bytes, files: int = 0) -> bytes:
    """Return the frame of a task."""
    return TASK_HEADER.pack(number, len(item), files) + item


def encode_message(message: WorkerMessage) -> bytes:
    """Return the frame of a worker's message."""
    kind, number, seconds, stderr, payload, _ = message
    return _MESSAGE_HEADER.pack(kind, number, seconds, len(stderr), len(payload)) + stderr + payload


def encode_failure(failure: Failure) -> bytes:
    """Return the payload of a failure."""
    return json.dumps([failure.error, failure.traceback]).encode()


def decode_failure(payload: bytes | bytearray) -> Failure:
    """Return the failure in a payload.

    Raises:
        ValueError: the payload is invalid.
    """
    try:
        error, trace = json.loads(payload)
    except RecursionError as too_deep:
        raise ValueError(f"{too_deep}") from too_deep
    if not isinstance(error, str) or not isinstance(trace, str):
        raise ValueError("an error must be text")  # noqa: TRY004  The worker is wrong, not the caller.
    return Failure(error, trace)


def encode_memory_request(size: int) -> bytes:
    """Return the payload of a request for this many bytes of memory."""
    return size.to_bytes(_MEMORY_BYTES, "little")


def decode_memory_request(payload: bytes | bytearray) -> int:
    """Return how many bytes of memory are requested; any payload is valid."""
    return int.from_bytes(payload[:_MEMORY_BYTES], "little")


class FrameReader:
    """Splits a worker's byte stream into messages, however it is fragmented."""

    __slots__ = ("_rest", "corrupt")

    def __init__(self) -> None:
        self._rest = bytearray()
        self.corrupt = False  # Whether an invalid header was read; everything from it on is ignored.

    def feed(self, data: bytes) -> list[WorkerMessage]:
        """Add the next bytes of the stream; return the messages that they complete."""
        if self.corrupt:
            return []
        stream: bytes | bytearray = data
        if self._rest:
            self._rest += data
            stream = self._rest
        messages, used, self.corrupt = _split(stream)
        if self.corrupt:
            self._rest.clear()
        elif stream is self._rest:
            del self._rest[:used]
        elif used < len(data):
            self._rest += memoryview(data)[used:]
        return messages


def _split(stream: bytes | bytearray) -> tuple[list[WorkerMessage], int, bool]:
    """Return the complete messages, how many bytes they take, and whether an invalid header follows."""
    messages: list[WorkerMessage] = []
    start, end = 0, len(stream)
    while start + _MESSAGE_HEADER.size <= end:
        kind, number, seconds, stderr_size, payload_size = _MESSAGE_HEADER.unpack_from(stream, start)
        if not _is_valid_header(kind, seconds, stderr_size, payload_size):
            return messages, start, True
        stderr = start + _MESSAGE_HEADER.size
        payload = stderr + stderr_size
        stop = payload + payload_size
        if stop > end:
            break
        messages.append(WorkerMessage(kind, number, seconds, stream[stderr:payload], stream[payload:stop]))
        start = stop
    return messages, start, False


def _is_valid_header(kind: int, seconds: float, stderr_size: int, payload_size: int) -> bool:
    return (
        kind in _MESSAGE_TYPES and math.isfinite(seconds) and stderr_size <= _MAX_STDERR and payload_size <= MAX_PAYLOAD
    )
