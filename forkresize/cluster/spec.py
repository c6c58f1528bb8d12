"""What all chunks of a run have in common: sources, destination, recipe and limits, as nodes read them."""

import hashlib
from typing import Annotated, TypeVar

from msgspec import DecodeError, Meta, Struct
from msgspec.json import Decoder, Encoder

from forkresize.cluster.protocol import VERSION, describe_other
from forkresize.errors import FieldError

QUEUES = ("interactive", "batch")
"""The queues of a cluster: for requests that a person waits for, and for all others."""

_MAX_BYTES = 1 << 20
"""Bytes of a specification that are accepted; a recipe takes a few thousand."""

MAX_RETRIES = 100
"""How often a picture is tried again at most whose worker died."""

Seconds = Annotated[float, Meta(gt=0)]

_T = TypeVar("_T", bound=Struct)


class SpecHeader(Struct, frozen=True, kw_only=True):
    """What the specifications of all versions have in common.

    Attributes:
        version: of the protocol; 1 if it is left out, as version 1 did.
        sources: URLs that the sources lie below.
        destination: URL that the outputs lie below.
        queue: ``batch`` or ``interactive``.
        shard: the part of the sources that the run has; empty for all. Runs with other parts are at work beside it.
    """

    version: int = 1
    sources: list[str]
    destination: str
    queue: str = "batch"
    shard: str = ""


class RunSpec(SpecHeader, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What nodes need to know about a run, besides the header.

    Attributes:
        recipe: what to make, as ``forkresize.recipe.to_bytes`` writes it.
        renditions: the fingerprint of each rendition, as hexadecimal digits, for the ledger.
        combined: the fingerprint of all renditions together.
        limits: by reason, the limit that such a failure depends on; None for no limit.
        timeout: seconds that a picture may take; None for no limit.
        retries: how often a picture is tried again that cost a worker.
        cache_control: header of outputs in a bucket.
        metadata: further headers of outputs, by name.
    """

    version: int = VERSION
    recipe: str
    renditions: list[str] = []
    combined: str = ""
    limits: dict[str, float | None] = {}
    timeout: Seconds | None = None
    retries: Annotated[int, Meta(ge=0, le=MAX_RETRIES)] = 1
    cache_control: str = ""
    metadata: dict[str, str] = {}

    def __post_init__(self) -> None:
        """Check the queue."""
        if self.queue not in QUEUES:
            raise FieldError("queue", f"unknown queue {self.queue!r}: use {' or '.join(QUEUES)}")

    def encode(self) -> str:
        """Return the specification as JSON. Equal ones are equal texts."""
        return _ENCODER.encode(self).decode()

    @property
    def digest(self) -> str:
        """The SHA-256 hash of the specification, which the manifests of the run hold: 64 hexadecimal digits."""
        return digest_of(self.encode())


def digest_of(text: str) -> str:
    """Return the hash of a specification in JSON."""
    return hashlib.sha256(text.encode()).hexdigest()


def decode_spec(text: str) -> RunSpec:
    """Return the specification that ``RunSpec.encode`` wrote.

    Raises:
        FieldError: it is malformed, too large, or of another version.
    """
    if len(text) > _MAX_BYTES:
        raise FieldError("run", f"specification of {len(text)} characters: at most {_MAX_BYTES} are accepted")
    header = read_header(text)
    if header.version != VERSION:
        raise FieldError("run", describe_other("its specification", header.version))
    return _decode(text, _DECODER)


def read_header(text: str) -> SpecHeader:
    """Return the header of a specification of any version.

    Raises:
        FieldError: it has none.
    """
    return _decode(text, _HEADER_DECODER)


def _decode(text: str, decoder: Decoder[_T]) -> _T:
    try:
        return decoder.decode(text)
    except (DecodeError, RecursionError, UnicodeError) as error:
        raise FieldError("run", f"malformed specification: {error}") from error


_ENCODER = Encoder(order="sorted")
_DECODER = Decoder(RunSpec)
_HEADER_DECODER = Decoder(SpecHeader)
