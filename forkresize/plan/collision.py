"""Two sources for one output: found before any work, in memory that does not grow with the tree. Opens no file."""

import hashlib
import os
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from itertools import compress
from pathlib import PurePath

from msgspec import Struct, field

from forkresize.errors import CollisionError
from forkresize.job import Source
from forkresize.plan.naming import Naming

_BITS = 1 << 26
"""Size of the filter of names seen: 8 MiB; among a million names it takes some 7,500 for seen that are not."""

_MAX_LISTED = 5
"""How many collisions an error names."""


class OnCollision(StrEnum):
    """What is done about two sources for one output."""

    ERROR = "error"
    SUFFIX = "suffix"
    SKIP = "skip"


class Collisions(Struct, frozen=True):
    """The sources that may not have the output their name gives them.

    Attributes:
        marks: from the path of a source to what its output's name is marked with; of one that is no picture, too.
        left_out: from the path of a source to the path of the source that has its output.
        repeated: identities of paths that the walk comes to more than once; the output is made the first time.
    """

    marks: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    repeated: frozenset[str] = frozenset()


class OutputNames(Struct, frozen=True):
    """Which outputs a source is given, in the terms of the destination's file system.

    Attributes:
        naming: gives each source its outputs.
        folded: whether names are equal there that differ in case or Unicode form only.
    """

    naming: Naming
    folded: bool

    def keys(self, source: Source, mark: str = "") -> list[str]:
        """Return, for each output, what is equal for two sources exactly if they share it."""
        paths = [output.path for output in self.naming.outputs(source, mark)]
        return list(dict.fromkeys(_folded(path) for path in paths)) if self.folded else paths


def find_collisions(
    discover: Callable[[], Iterable[Source]],
    names: OutputNames,
    policy: OnCollision,
    is_picture: Callable[[str], bool],
) -> Collisions:
    """Find the sources that share an output, and settle each by the policy.

    Files that are no pictures have no output and collide with nothing; only those that share a name are looked into.
    Those are marked, so that what is remembered of a picture's sidecar is not taken for what is of its output.

    Args:
        discover: yields all sources, the same each time; called twice.
        names: gives each its output.
        policy: what is done about those that share one.
        is_picture: tells by a file's content.

    Raises:
        CollisionError: there are any, and the policy is to refuse them.
    """
    taken = _BloomFilter()
    suspects = {key for source in discover() for key in names.keys(source) if taken.add(key)}
    groups = [group for group in _groups(discover, names, suspects) if len(group) > 1]
    repeated = frozenset(
        path
        for group in groups
        for path, times in Counter(identity(source.path) for source in group).items()
        if times > 1
    )
    shared, sidecars = [], []
    for group in filter(_is_shared, map(_deduplicate, groups)):
        verdicts = [is_picture(source.path) for source in group]
        shared.append(list(compress(group, verdicts)))
        sidecars.append([source for source, verdict in zip(group, verdicts, strict=True) if not verdict])
    shared = list(filter(_is_shared, shared))
    if shared and policy is OnCollision.ERROR:
        raise CollisionError(_message(shared, names.naming))
    skips = policy is OnCollision.SKIP
    left_out = {each.path: first.path for first, *rest in shared for each in rest} if skips else {}
    renamed = sidecars if skips else [*shared, *sidecars]
    marks = {each.path: mark for group in renamed for each, mark in _marked(group, names, taken)}
    return Collisions(marks=marks, left_out=left_out, repeated=repeated)


def identity(path: str) -> str:
    """Return what is equal for two spellings of one path, but not for a link and what it leads to."""
    folder, name = os.path.split(path)
    return os.path.join(os.path.realpath(folder), name)


class _BloomFilter:
    """Which keys were met: a bit for each hash, so that memory is the same for any number. Errs on the side of yes."""

    def __init__(self) -> None:
        self._bits = bytearray(_BITS // 8)

    def add(self, key: str) -> bool:
        """Note a key; return whether it was there."""
        bit = int.from_bytes(hashlib.blake2b(os.fsencode(key), digest_size=8).digest()) % _BITS
        mask = 1 << (bit & 7)
        met = bool(self._bits[bit >> 3] & mask)
        self._bits[bit >> 3] |= mask
        return met


def _groups(discover: Callable[[], Iterable[Source]], names: OutputNames, suspects: set[str]) -> Iterable[list[Source]]:
    groups: dict[str, list[Source]] = {}
    for source in discover() if suspects else ():
        for key in names.keys(source):
            if key in suspects:
                groups.setdefault(key, []).append(source)
    # Sources that share one output share mostly all of them.
    return {tuple(source.path for source in group): group for group in groups.values()}.values()


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def _is_shared(group: list[Source]) -> bool:
    return len(group) > 1


def _deduplicate(group: list[Source]) -> list[Source]:
    """Return the sources of a group, each under the spelling that the walk comes to first."""
    first: dict[str, Source] = {}
    for source in group:
        first.setdefault(identity(source.path), source)
    return list(first.values())


def _marked(group: list[Source], names: OutputNames, taken: _BloomFilter) -> Iterator[tuple[Source, str]]:
    """Mark every source of a group, the first too: what a name stands for must not hang on which of them are there."""
    suffixes = [PurePath(source.relative).suffix.lstrip(".").lower() for source in group]
    for source, suffix in zip(group, suffixes, strict=True):
        mark = f"-{suffix}"
        if not suffix or suffixes.count(suffix) > 1 or _add_all(taken, names.keys(source, mark)):
            mark = f"-{hashlib.blake2b(os.fsencode(identity(source.path)), digest_size=4).hexdigest()}"
            _add_all(taken, names.keys(source, mark))
        yield source, mark


def _shared(group: list[Source], naming: Naming) -> str:
    """Return the output that two sources share; those of the first alone if they do but in the folded form."""
    first, second = ([output.path for output in naming.outputs(source)] for source in group[:2])
    return next((path for path in first if path in second), first[0])


def _add_all(taken: _BloomFilter, keys: list[str]) -> bool:
    """Note all keys; return whether one of them was there."""
    return sum(taken.add(key) for key in keys) > 0


def _message(groups: list[list[Source]], naming: Naming) -> str:
    lines = [
        f"{_shared(group, naming)!r} would be made from {' and '.join(repr(source.path) for source in group)}"
        for group in groups[:_MAX_LISTED]
    ]
    more = [f"… and {len(groups) - _MAX_LISTED} more"] if len(groups) > _MAX_LISTED else []
    advice = "--on-collision suffix keeps all, --on-collision skip the first; --name {name} tells them apart"
    return "\n".join(["two sources for one output:", *lines, *more, advice])
