"""What crosses the pipe between the pool and a worker, and how it is framed. Holds no socket and no policy.

A frame is a fixed header and a pickle. The header alone says which job it is about, so an item or a result that can't
be unpickled is still somebody's; pickling the envelope as well costs ten times as much as packing it.
"""

import json
import math
import struct
import traceback
from enum import IntEnum
from typing import NamedTuple

from msgspec import Struct

TASK_HEADER = struct.Struct("=QQ")
"""Number of the job, bytes of the pickled item that follow."""

_MESSAGE_HEADER = struct.Struct("=BQdIQ")
"""Kind, number of the job, seconds, bytes of standard error that follow, bytes of payload that follow those."""

_NEED_BYTES = 8

MAX_PAYLOAD = 1 << 26
"""Bytes; a pool's results are told of, not carried, so that this is far more than any takes."""

_MOST_STDERR = 1 << 16
"""Bytes; a worker keeps less of it."""


class MessageType(IntEnum):
    """What a worker has to say, of a job or of itself."""

    RETURNED = 1
    """The payload is the result, encoded."""
    RAISED = 2
    """The payload is a Failure."""
    DECLINED = 3
    """The pool was stopped before the job was started."""
    UNFIT = 4
    """The initializer raised, of no job; the payload is a Failure."""
    WANTS = 5
    """The job goes on when the pool has passed it a file, whose path the payload is."""
    RESERVES = 6
    """The job goes on when it may take as much memory as the payload says."""
    FIT = 7
    """The initializer is through; said once, before any job can take the worker over."""


_KINDS = frozenset(map(int, MessageType))


class WorkerMessage(NamedTuple):
    """What a worker tells of one job.

    Attributes:
        kind: what became of it; one of Kind.
        number: the job's number.
        seconds: wall time it took.
        stderr: what was written to file descriptor 2 meanwhile.
        payload: of what, Kind tells.
    """

    kind: int
    number: int
    seconds: float
    stderr: bytes | bytearray
    payload: bytes | bytearray


class Failure(Struct, frozen=True):
    """An exception as text, since not every exception survives pickling.

    Attributes:
        error: the traceback's last line.
        traceback: all of it.
    """

    error: str
    traceback: str

    @classmethod
    def of(cls, error: BaseException) -> "Failure":
        """Describe an exception, even one that can't describe itself."""
        try:
            last = traceback.format_exception_only(error)[-1].strip()
            return cls(last, "".join(traceback.format_exception(error)))
        except Exception as another:  # noqa: BLE001  Memory may be what ran out.
            return cls(type(error).__name__, f"no traceback: {type(another).__name__}")


def encode_task(number: int, item: bytes) -> bytes:
    """Frame a job for a worker.

    Args:
        number: the job's number, from 1 up.
        item: the pickled item.
    """
    return TASK_HEADER.pack(number, len(item)) + item


def encode_message(report: WorkerMessage) -> bytes:
    """Frame a worker's report."""
    kind, number, seconds, stderr, payload = report
    return _MESSAGE_HEADER.pack(kind, number, seconds, len(stderr), len(payload)) + stderr + payload


def encode_failure(failure: Failure) -> bytes:
    """Return the payload that tells of an exception."""
    return json.dumps([failure.error, failure.traceback]).encode()


def decode_failure(payload: bytes | bytearray) -> Failure:
    """Return the exception that a payload tells of.

    Raises:
        ValueError: it tells of none.
    """
    try:
        error, trace = json.loads(payload)
    except RecursionError as too_deep:
        raise ValueError(f"{too_deep}") from too_deep
    if not isinstance(error, str) or not isinstance(trace, str):
        raise ValueError("an error has to be text")  # noqa: TRY004 -- it is the worker that is wrong.
    return Failure(error, trace)


def encode_memory_request(need: int) -> bytes:
    """Return the payload that tells how many bytes of memory a job takes."""
    return need.to_bytes(_NEED_BYTES, "little")


def decode_memory_request(payload: bytes | bytearray) -> int:
    """Return how many bytes of memory a job takes, whatever the payload is."""
    return int.from_bytes(payload[:_NEED_BYTES], "little")


class FrameReader:
    """Cuts the stream of a worker's bytes into reports, however it arrives.

    Attributes:
        is_broken: whether a header came that no worker of ours writes; nothing is taken from there on.
    """

    __slots__ = ("_rest", "is_broken")

    def __init__(self) -> None:
        self._rest = bytearray()
        self.is_broken = False

    def feed(self, data: bytes) -> list[WorkerMessage]:
        """Take the bytes that came next; return the reports that they complete."""
        if self.is_broken:
            return []
        stream: bytes | bytearray = data
        if self._rest:
            self._rest += data
            stream = self._rest
        reports, used, self.is_broken = _split(stream)
        if self.is_broken:
            self._rest.clear()
        elif stream is self._rest:
            del self._rest[:used]
        elif used < len(data):
            self._rest += memoryview(data)[used:]
        return reports


def _split(stream: bytes | bytearray) -> tuple[list[WorkerMessage], int, bool]:
    """Return the reports that are whole, how many bytes they take, and whether something else follows."""
    reports: list[WorkerMessage] = []
    start, end = 0, len(stream)
    while start + _MESSAGE_HEADER.size <= end:
        kind, number, seconds, stderr_size, payload_size = _MESSAGE_HEADER.unpack_from(stream, start)
        if not _is_valid_header(kind, seconds, stderr_size, payload_size):
            return reports, start, True
        stderr = start + _MESSAGE_HEADER.size
        payload = stderr + stderr_size
        stop = payload + payload_size
        if stop > end:
            break
        reports.append(WorkerMessage(kind, number, seconds, stream[stderr:payload], stream[payload:stop]))
        start = stop
    return reports, start, False


def _is_valid_header(kind: int, seconds: float, stderr_size: int, payload_size: int) -> bool:
    return kind in _KINDS and math.isfinite(seconds) and stderr_size <= _MOST_STDERR and payload_size <= MAX_PAYLOAD
