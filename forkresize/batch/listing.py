"""The walk in a process of its own: a drive that does not answer must not suspend results, deadlines and signals."""

import json
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from msgspec import DecodeError, Struct, convert, to_builtins
from msgspec.json import Decoder, Encoder

from forkresize.job import Source
from forkresize.outcome import Failed, Outcome, OutputRef, Skipped
from forkresize.pool import ForkedIterator, NothingYet, Serializer

if TYPE_CHECKING:
    from forkresize.batch.prepare import RunPlan

Found = Source | Outcome
"""A source, or the outcome of what is not a source."""

Listed = Found | NothingYet


class _Entry(Struct, frozen=True, array_like=True):
    """Something that a walk found. Without a detail, it is a source."""

    source: Source
    detail: Skipped | Failed | None = None


_ENCODER = Encoder()
_DECODER = Decoder(list[_Entry])


def encode_found(found: Iterable[Found]) -> bytes:
    """Return the message for what a walk found."""
    entries = [(each, None) if isinstance(each, Source) else (each.source, each.detail) for each in found]
    try:
        return _ENCODER.encode(entries)
    except UnicodeEncodeError:
        # Paths may contain lone surrogates, which only the standard library can encode.
        return json.dumps(to_builtins(entries)).encode("ascii")


def decode_found(data: bytes | bytearray) -> list[Found]:
    """Return what was encoded."""
    try:
        entries = _DECODER.decode(data)
    except DecodeError:
        entries = convert(json.loads(data), list[_Entry])
    return [each.source if each.detail is None else Outcome(OutputRef(each.source), each.detail) for each in entries]


def list_sources(plan: "RunPlan") -> AbstractContextManager[Iterable[Listed]]:
    """Open a run's walk. A serial run has one process only."""
    if plan.settings.serial:
        return nullcontext(plan.discovery.walk())
    return ForkedIterator(plan.discovery.walk, Serializer(encode_found, decode_found))


@contextmanager
def count_sources(sources: Callable[[], Iterable[Found]]) -> Iterator[Iterator[int]]:
    """Count in a process of its own: open an iterator of a 1 for each source, and a 0 where none was found yet."""
    with ForkedIterator(lambda: (1 for _ in sources()), turn=math.inf) as counted:
        yield (0 if isinstance(each, NothingYet) else each for each in counted)
