"""The messages between the pool and a worker, and their framing.

A frame is a fixed header and a payload. The header alone says which task it is about, so a payload that cannot be
decoded still belongs to a task. Serializing the header together with the payload would take ten times as long.

A worker may have been taken over by its input. MESSAGE_RULES says how large each kind of message may be, and when it
may come; both are checked when the header has arrived, before the payload takes memory.
"""

import math
import struct
import traceback
from collections.abc import Callable, Iterator, Mapping
from enum import Enum, IntEnum
from io import FileIO
from typing import NamedTuple, TypeAlias

from msgspec import Struct
from msgspec.msgpack import Decoder, Encoder

TASK_HEADER = struct.Struct("=QQI")
"""Number of the task, bytes of the serialized item that follow, number of its files."""

_MESSAGE_HEADER = struct.Struct("=BQddIQ")
"""MessageType, number of the task, its seconds and start, bytes of standard error that follow, then of payload."""

MessageHeader: TypeAlias = tuple[int, int, float, float, int, int]
"""The unpacked header of a message."""

MAX_PAYLOAD = 1 << 26
"""Bytes of a result, unless the serializer allows fewer. Large data crosses in files, so no honest result is near."""

MAX_STDERR = 1 << 12
"""Bytes of standard error in a message; a worker keeps the end of it."""

_MAX_ERROR = 1 << 12
_MAX_TRACEBACK = 1 << 15
"""Bytes of the texts of a failure; the middle of longer ones is left out."""

_MAX_FAILURE = _MAX_ERROR + _MAX_TRACEBACK + (1 << 6)
_MAX_PATH = 1 << 12
_MEMORY_BYTES = 8
_OMISSION = " ... "


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


class When(Enum):
    """When a worker may send a message."""

    STARTING = "before it is ready; about no task"
    ON_TASK = "about the first of its tasks"
    FILES_DUE = "about the first of its tasks, if that has files"
    STOPPED = "about the first of its tasks, after the pool was stopped"


class MessageRule(NamedTuple):
    """What is allowed of one kind of message.

    Attributes:
        when: when it may come.
        payload: the most bytes of its payload.
        stderr: the most bytes of its standard error.
        is_request: whether it asks for something while the task runs; their number per task is limited.
    """

    when: When
    payload: int
    stderr: int = MAX_STDERR
    is_request: bool = False


MESSAGE_RULES: Mapping[int, MessageRule] = {
    MessageType.RETURNED: MessageRule(When.ON_TASK, MAX_PAYLOAD),
    MessageType.RAISED: MessageRule(When.ON_TASK, _MAX_FAILURE),
    MessageType.NOT_STARTED: MessageRule(When.STOPPED, 0),
    MessageType.INIT_FAILED: MessageRule(When.STARTING, _MAX_FAILURE),
    MessageType.OPEN_FILE: MessageRule(When.ON_TASK, _MAX_PATH, 0, is_request=True),
    MessageType.RESERVE_MEMORY: MessageRule(When.ON_TASK, _MEMORY_BYTES, 0, is_request=True),
    MessageType.READY: MessageRule(When.STARTING, 0),
    MessageType.SEND_FILES: MessageRule(When.FILES_DUE, 0, 0, is_request=True),
    MessageType.RETURNED_FILES: MessageRule(When.ON_TASK, MAX_PAYLOAD),
}
"""What is allowed of each kind of message; a pool may allow smaller results."""

MAX_REQUESTS = 1000
"""How many requests a worker may send during one task."""

REQUESTS = frozenset(kind for kind, rule in MESSAGE_RULES.items() if rule.is_request)
RESULTS_PROPER = frozenset((MessageType.RETURNED, MessageType.RETURNED_FILES))


class WorkerMessage(NamedTuple):
    """A message from a worker."""

    kind: int  # A MessageType.
    number: int
    seconds: float  # Wall time the task took.
    stderr: bytes | bytearray
    payload: bytes | bytearray
    files: tuple[FileIO, ...] = ()  # Of the result; never part of the frame.
    started: float = 0.0  # When the task did, by ``time.monotonic``.


class Failure(Struct, frozen=True):
    """An exception as text, since not every exception can be pickled; Unicode of limited length."""

    error: str  # The last line of the traceback.
    traceback: str

    @classmethod
    def of(cls, error: BaseException) -> "Failure":
        """Describe an exception, even one whose ``__str__`` raises."""
        try:
            last = traceback.format_exception_only(error)[-1].strip()
            trace = "".join(traceback.format_exception(error))
            return cls(_shorten(last, _MAX_ERROR), _shorten(trace, _MAX_TRACEBACK))
        except Exception as another:  # noqa: BLE001  For example when memory is exhausted.
            name = _shorten(type(error).__name__, _MAX_ERROR)
            return cls(name, f"no traceback: {_shorten(type(another).__name__, _MAX_ERROR)}")


def _shorten(text: str, size: int) -> str:
    """Return a text of at most so many bytes, without its middle if it is longer."""
    # Texts may contain lone surrogates, from names of files.
    data = text[: size + 1].encode(errors="backslashreplace")
    if len(data) <= size:
        return data.decode()
    half = size // 2 - len(_OMISSION)
    end = text[-half:].encode(errors="backslashreplace")[-half:]
    return data[:half].decode(errors="ignore") + _OMISSION + end.decode(errors="ignore")


def encode_task(number: int, item: bytes, files: int = 0) -> bytes:
    """Return the frame of a task."""
    return TASK_HEADER.pack(number, len(item), files) + item


def encode_message(message: WorkerMessage) -> bytes:
    """Return the frame of a worker's message."""
    kind, number, seconds, stderr, payload, _, started = message
    return _MESSAGE_HEADER.pack(kind, number, seconds, started, len(stderr), len(payload)) + stderr + payload


def encode_failure(failure: Failure) -> bytes:
    """Return the payload of a failure."""
    return _ENCODER.encode((failure.error, failure.traceback))


_ENCODER = Encoder()
_FAILURE_DECODER = Decoder(tuple[str, str])


def decode_failure(payload: bytes | bytearray) -> Failure:
    """Return the failure in a payload.

    Raises:
        ValueError: the payload is invalid.
    """
    return Failure(*_FAILURE_DECODER.decode(payload))


def encode_memory_request(size: int) -> bytes:
    """Return the payload of a request for this many bytes of memory."""
    return size.to_bytes(_MEMORY_BYTES, "little")


def decode_memory_request(payload: bytes | bytearray) -> int:
    """Return how many bytes of memory are requested; any payload is valid."""
    return int.from_bytes(payload, "little")


class FrameReader:
    """Splits a worker's byte stream into messages, however it is fragmented.

    Args:
        max_result: the most bytes of a result.
        expects: returns whether a message with a header may come now.
    """

    __slots__ = ("_expects", "_max_result", "_rest", "corrupt")

    def __init__(
        self, max_result: int = MAX_PAYLOAD, expects: Callable[[MessageHeader], bool] = lambda _: True
    ) -> None:
        self._max_result = max_result
        self._expects = expects
        self._rest = bytearray()
        self.corrupt = False  # Whether an invalid header was read; everything from it on is ignored.

    def feed(self, data: bytes) -> Iterator[WorkerMessage]:
        """Add the next bytes of the stream; yield the messages that they complete.

        A header is checked when all messages before it were handled.
        """
        if self.corrupt:
            return
        stream: bytes | bytearray = data
        if self._rest:
            self._rest += data
            stream = self._rest
        start, end = 0, len(stream)
        while start + _MESSAGE_HEADER.size <= end:
            header = _MESSAGE_HEADER.unpack_from(stream, start)
            if not self._accepts(header):
                self.corrupt = True
                self._rest.clear()
                return
            kind, number, seconds, started, stderr_size, payload_size = header
            stderr = start + _MESSAGE_HEADER.size
            payload = stderr + stderr_size
            stop = payload + payload_size
            if stop > end:
                break
            start = stop
            yield WorkerMessage(kind, number, seconds, stream[stderr:payload], stream[payload:stop], (), started)
        if stream is self._rest:
            del self._rest[:start]
        elif start < end:
            self._rest += memoryview(data)[start:]

    def _accepts(self, header: MessageHeader) -> bool:
        kind, _, seconds, started, stderr_size, payload_size = header
        rule = MESSAGE_RULES.get(kind)
        if rule is None or payload_size > rule.payload or stderr_size > rule.stderr:
            return False
        if not (math.isfinite(seconds) and math.isfinite(started)):
            return False
        if kind in RESULTS_PROPER and payload_size > self._max_result:
            return False
        return self._expects(header)
