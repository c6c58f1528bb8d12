"""The message that announces a chunk: JSON, versioned, small, and signed if the cluster has a key."""

from typing import Annotated

from msgspec import DecodeError, Meta, Struct
from msgspec.json import Decoder, Encoder

from forkresize.cluster.signing import sign, verify
from forkresize.errors import ForkresizeError

VERSION = 1
"""Version of the messages. They name a chunk, and nothing else: what is done with it has the version of the protocol.

Increase it only if a chunk is named in another way: nodes of other versions refuse such messages, and idle nodes
announce their chunks again.
"""

MAX_BYTES = 1 << 16
"""Bytes of a message. A larger one is refused before it is read."""

_PURPOSE = "message"

Number = Annotated[int, Meta(ge=1, le=(1 << 63) - 1)]
"""The number of a run or of a chunk."""


class MessageError(ForkresizeError):
    """A message is not one that this cluster sends; the text says why."""


class ChunkMessage(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """There may be work for a chunk.

    Attributes:
        run: the chunk's run.
        chunk: the chunk's number.
        version: of the message's format; 1 if it is left out.
        signature: of the other fields; None in a cluster without a key.
    """

    run: Number
    chunk: Number
    version: int = 1
    signature: Annotated[str, Meta(max_length=64)] | None = None


_ENCODER = Encoder()
_DECODER = Decoder(ChunkMessage)


def encode_message(run: int, chunk: int, key: bytes | None = None) -> bytes:
    """Return the message for a chunk.

    Args:
        run: the chunk's run.
        chunk: the chunk's number.
        key: signs the message; None for no signature.
    """
    signature = None if key is None else sign(key, _PURPOSE, _signed_part(VERSION, run, chunk))
    return _ENCODER.encode(ChunkMessage(run, chunk, VERSION, signature))


def decode_message(data: bytes | str, key: bytes | None = None) -> ChunkMessage:
    """Return a message that was received.

    Args:
        data: the message.
        key: with one, a message without a valid signature is refused.

    Raises:
        MessageError: the message is too large, malformed, of another version, or not signed with the key.
    """
    if len(data) > MAX_BYTES:
        raise MessageError(f"message of {len(data)} bytes: at most {MAX_BYTES} are accepted")
    try:
        message = _DECODER.decode(data)
    except (DecodeError, RecursionError, UnicodeError) as error:
        # A ValidationError is a DecodeError.
        raise MessageError(f"malformed message: {error}") from error
    if message.version != VERSION:
        raise MessageError(f"message of version {message.version}: this program reads version {VERSION}")
    signed = _signed_part(message.version, message.run, message.chunk)
    if key is not None and not verify(key, _PURPOSE, signed, message.signature):
        fault = "no signature" if message.signature is None else "a wrong signature"
        raise MessageError(f"message for chunk {message.chunk} of run {message.run} with {fault}; it is refused")
    return message


def _signed_part(version: int, run: int, chunk: int) -> bytes:
    return f"{version} {run} {chunk}".encode()
