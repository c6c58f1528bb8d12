"""The walk in a process of its own: a drive that does not answer must not suspend results, deadlines and signals."""

import math
import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, cast

from msgspec import DecodeError, Struct, convert, to_builtins
from msgspec.json import Decoder, Encoder

from forkresize.job import Source
from forkresize.outcome import Failed, Outcome, OutputRef, Skipped
from forkresize.pool import NothingYet, Serializer, threads
from forkresize.walk import FileGroup

if TYPE_CHECKING:
    from forkresize.batch.prepare import RunPlan

Found = Source | Outcome
"""A source, or the outcome of what is not a source."""

Listed = Found | NothingYet

Grouped = Listed | FileGroup
"""What a listing finds, before groups of sources are taken apart."""


class _Entry(Struct, frozen=True, array_like=True):
    """Something that a walk found: a source, a source with the detail of its outcome, or a group of sources."""

    source: Source
    detail: Skipped | Failed | None = None
    group: FileGroup | None = None


_NO_SOURCE = Source("", "")
_ENCODER = Encoder()
_DECODER = Decoder(list[_Entry])


def encode_found(found: Iterable[Found | FileGroup]) -> bytes:
    """Return the message for what a walk or another listing found."""
    entries = [_entry(each) for each in found]
    try:
        return _ENCODER.encode(entries)
    except UnicodeEncodeError:
        # Paths may contain lone surrogates, which only the standard library can encode.
        import json

        return json.dumps(to_builtins(entries)).encode("ascii")


def decode_found(data: bytes | bytearray) -> list[Found]:
    """Return what was encoded, if there was no group."""
    return cast("list[Found]", decode_groups(data))


def decode_groups(data: bytes | bytearray) -> list[Found | FileGroup]:
    """Return what was encoded."""
    try:
        entries = _DECODER.decode(data)
    except DecodeError:
        import json

        entries = convert(json.loads(data), list[_Entry])
    return list(map(_from_entry, entries))


def _from_entry(entry: _Entry) -> Found | FileGroup:
    if entry.group is not None:
        return entry.group
    return entry.source if entry.detail is None else Outcome(OutputRef(entry.source), entry.detail)


def _entry(found: Found | FileGroup) -> tuple[object, ...]:
    """Return the fields of an entry."""
    if isinstance(found, FileGroup):
        return _NO_SOURCE, None, found
    return (found,) if isinstance(found, Source) else (found.source, found.detail)


def list_sources(plan: "RunPlan") -> AbstractContextManager[Iterable[Grouped]]:
    """Open a run's walk."""
    if is_local(plan):
        return nullcontext(plan.discovery.walk_groups())
    from forkresize.pool import ForkedIterator

    return ForkedIterator(plan.discovery.walk_groups, Serializer(encode_found, decode_groups))


@contextmanager
def count_sources(plan: "RunPlan") -> Iterator[Iterator[int | None]]:
    """Open an iterator of the size of each source of a run in bytes, and a None where none was found yet."""
    sizes = (source_of(each).size for each in plan.sources())
    if is_local(plan):
        yield sizes
        return
    from forkresize.pool import ForkedIterator

    with ForkedIterator(lambda: sizes, turn=math.inf) as counted:
        yield (None if isinstance(each, NothingYet) else each for each in counted)


def source_of(found: Found) -> Source:
    """Return a source, or that of an outcome."""
    return found if isinstance(found, Source) else found.source


def is_local(plan: "RunPlan") -> bool:
    """Return whether the walk takes place in this process.

    A serial run has one process only, and a process with threads must not fork. A single file leaves nothing to be
    suspended, and starts faster.
    """
    if plan.settings.serial or threads.has_other_threads() or not plan.backend.may_fork:
        return True
    roots = plan.discovery.roots
    return plan.settings.files_from is None and len(roots) == 1 and not os.path.isdir(roots[0].path)
