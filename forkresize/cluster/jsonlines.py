"""Values as compressed lines of JSON, read with limits on their size."""

import json
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from msgspec import DecodeError, MsgspecError, convert, to_builtins
from msgspec.json import Decoder, Encoder

from forkresize.errors import ForkresizeError

MAX_BYTES = 64 << 20
"""Bytes of a document, not compressed: far more than 256 pictures with the longest keys need."""

_PAUSES = (0.2, 0.5, 2.0)
"""Seconds between attempts to read a document that is incomplete."""

_GZIP = 16 + zlib.MAX_WBITS
_ENCODER = Encoder()

_T = TypeVar("_T")


class ManifestError(ForkresizeError):
    """A manifest, or the outcomes of a chunk, cannot be used."""


class IncompleteError(ManifestError):
    """The end of a document is missing, or its bytes are not those of a document."""


def read_again(read: Callable[[], _T], sleep: Callable[[float], object] = time.sleep) -> _T:
    """Return what a function reads; it is called again if that is incomplete, since an answer may have lost its end.

    Args:
        read: reads a document.
        sleep: waits for a number of seconds.

    Raises:
        IncompleteError: it was incomplete each time.
    """
    for pause in _PAUSES:
        try:
            return read()
        except IncompleteError:
            sleep(pause)
    return read()


def encode_lines(values: Iterable[Any]) -> bytes:
    """Return values as lines of JSON. Lone surrogates, which paths may contain, are escaped."""
    return b"".join(_encode(value) + b"\n" for value in values)


def decode_lines(lines: Sequence[bytes], kind: type[_T]) -> Iterator[_T]:
    """Yield the values of lines.

    Raises:
        ManifestError: a line is not a value of the type.
    """
    decoder = Decoder(kind)
    for line in lines:
        yield _decode(line, decoder)


def compress(text: bytes) -> bytes:
    """Return a gzip file, which depends on the text alone."""
    compressor = zlib.compressobj(level=6, wbits=_GZIP)
    return compressor.compress(text) + compressor.flush()


def decompress(data: bytes, limit: int = MAX_BYTES) -> bytes:
    """Return the text of a gzip file.

    Raises:
        IncompleteError: it is damaged or incomplete.
        ManifestError: the text has more bytes than the limit.
    """
    decompressor = zlib.decompressobj(wbits=_GZIP)
    try:
        text = decompressor.decompress(data, limit + 1)
    except zlib.error as error:
        raise IncompleteError(f"not a valid gzip file: {error}") from error
    if len(text) > limit:
        raise ManifestError(f"more than {limit:,} bytes when decompressed")
    if not decompressor.eof or decompressor.unused_data:
        raise IncompleteError("an incomplete gzip file, or more than one")
    return text


def _encode(value: Any) -> bytes:
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError:
        # Only the standard library can encode lone surrogates.
        return json.dumps(to_builtins(value), separators=(",", ":")).encode("ascii")


def _decode(line: bytes, decoder: Decoder[_T]) -> _T:
    try:
        return decoder.decode(line)
    except (DecodeError, RecursionError, UnicodeError):
        pass
    try:
        value: _T = convert(json.loads(line), decoder.type)
    except (ValueError, MsgspecError, RecursionError) as error:
        raise ManifestError(f"an invalid line: {error}") from error
    return value
