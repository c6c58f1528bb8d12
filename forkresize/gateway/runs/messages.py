"""What the gateway and the process of a batch send each other: JSON lines through pipes."""

from collections.abc import Iterable

from msgspec import Struct
from msgspec.json import Decoder, Encoder

from forkresize.gateway.runs.request import RunSettings
from forkresize.gateway.runs.run import Progress


class ClusterAccess(Struct, frozen=True, kw_only=True):
    """How a batch reaches a cluster.

    Attributes:
        broker: URL of its broker.
        ledger: URL of its database.
        key_file: the file with its key; None for the environment's, or none.
        owner: who runs the batch, for people.
        batch: number of the run, if a former process has published it; None otherwise.
        cancelled: whether it is to be cancelled.
        traceparent: context of the span that submitted it; empty for none.
    """

    broker: str
    ledger: str
    key_file: str | None = None
    owner: str = ""
    batch: int | None = None
    cancelled: bool = False
    traceparent: str = ""


class BatchOrder(Struct, frozen=True, kw_only=True):
    """What a process has to do. It holds the passwords of URLs, so it travels through a pipe.

    Attributes:
        sources: paths or URLs.
        destination: the same.
        recipe: as ``forkresize.recipe.to_bytes`` writes it.
        names: what stands in texts for locations; see ``Places.names``.
        settings: as the caller has them.
        lock_wait: seconds to wait for another run to free the destination.
        workers: how many; None for as many as there are CPUs.
        memory: bytes that they may use together; None for a half of the default.
        nice: niceness of the process and its workers.
        sandbox: ``auto``, ``on`` or ``off``.
        ledger: URL of the ledger of a run on this machine; None for the default.
        cluster: of nodes that make the pictures; None for this machine.
        run: identifier of the run, for its trace.
        traceparent: context of the span of the request for the run; empty for none.
    """

    sources: list[str]
    destination: str
    recipe: str
    names: dict[str, str] = {}
    settings: RunSettings = RunSettings()
    lock_wait: float = 0.0
    workers: int | None = None
    memory: int | None = None
    nice: int = 0
    sandbox: str = "auto"
    ledger: str | None = None
    cluster: ClusterAccess | None = None
    run: str = ""
    traceparent: str = ""


class _Message(Struct, frozen=True, tag_field="type", tag=str.lower):
    """A line that the process of a batch writes."""


class Published(_Message, frozen=True):
    """The run has a number on the cluster."""

    batch: int


class Advanced(_Message, frozen=True):
    """The run went on."""

    progress: Progress


class PictureFailed(_Message, frozen=True):
    """An output could not be made.

    Attributes:
        source: name and key of the source.
        destination: the same of the output; empty for all outputs of the source.
        record: the record, as JSON.
    """

    source: str
    destination: str
    record: str


class Noticed(_Message, frozen=True):
    """A remark on the run as a whole."""

    text: str


class Ended(_Message, frozen=True):
    """The run has ended; the last line.

    Attributes:
        exit_code: that the command would have ended with.
        error: why the run could not be done; empty if it could.
    """

    exit_code: int
    error: str = ""


Message = Published | Advanced | PictureFailed | Noticed | Ended

INTERNAL_ERROR = "internal error; the log of the gateway has the details"
"""Why a run that a bug ended could not be done."""

_ENCODER = Encoder()
_MESSAGES: Decoder[Message] = Decoder(Message)
_ORDERS = Decoder(BatchOrder)


def encode_line(message: Message | BatchOrder) -> bytes:
    """Return a message as a line, with its end."""
    return _ENCODER.encode(message) + b"\n"


def decode_lines(lines: Iterable[bytes]) -> list[Message]:
    """Return the messages of lines.

    Raises:
        DecodeError: of msgspec: a line is not a message.
    """
    return [_MESSAGES.decode(line) for line in lines]


def decode_order(line: bytes) -> BatchOrder:
    """Return the order in a line.

    Raises:
        DecodeError: of msgspec: it is not an order.
    """
    return _ORDERS.decode(line)
