"""Collisions: several sources for one output, found before any work in constant memory."""

import os
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from itertools import compress

from msgspec import Struct, field

from forkresize.errors import CollisionError
from forkresize.hashing import blake2b
from forkresize.job import Source
from forkresize.plan.naming import Naming
from forkresize.urls import is_url

_BITS = 1 << 26
"""Size of the Bloom filter: 8 MiB. With one million names, expect about 7,500 false positives."""

_MAX_LISTED = 5
"""Maximum number of collisions that an error names."""


class OnCollision(StrEnum):
    """What to do if two sources map to one output."""

    ERROR = "error"
    SUFFIX = "suffix"
    SKIP = "skip"


class Collisions(Struct, frozen=True):
    """The sources that cannot have the output that their name gives them.

    Attributes:
        suffixes: from the path of a source to the suffix of its outputs' names; sidecar files have one, too.
        skipped: from the path of a source to the path of the source that has its output.
        duplicates: identities of paths that the walk yields more than once; their outputs are made the first time.
    """

    suffixes: Mapping[str, str] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)
    duplicates: frozenset[str] = frozenset()


class OutputNames(Struct, frozen=True):
    """The outputs of sources, as an output store compares their names; see ``Capabilities.case_sensitive``."""

    naming: Naming
    case_sensitive: bool

    def comparable(self, source: Source, suffix: str = "") -> list[str]:
        """Return a text for each output that is equal for two sources if and only if they share it."""
        keys = [output.key for output in self.naming.outputs(source, suffix)]
        return keys if self.case_sensitive else list(dict.fromkeys(map(self.fold, keys)))

    def fold(self, key: str) -> str:
        """Return such a text for one output."""
        return key if self.case_sensitive else _fold(key)


def find_collisions(
    discover: Callable[[], Iterable[Source]],
    names: OutputNames,
    policy: OnCollision,
    is_picture: Callable[[str], bool],
    location: Callable[[str], str],
) -> Collisions:
    """Find the sources that share an output, and decide about each by the policy.

    Files that are not pictures have no output and collide with nothing; only those that share a name are opened. They
    get a suffix, so that the ledger does not confuse the record of a sidecar file with that of its picture.

    Args:
        discover: yields all sources, the same each time; called twice.
        names: gives each source its outputs.
        policy: what to do if two sources share one.
        is_picture: decides by a file's content.
        location: returns the full path or URL of an output, for the error.

    Raises:
        CollisionError: there are collisions, and the policy is to refuse them.
    """
    taken = _BloomFilter()
    suspects = {name for source in discover() for name in names.comparable(source) if taken.add(name)}
    groups = [group for group in _groups(discover, names, suspects) if len(group) > 1]
    duplicates = frozenset(
        path
        for group in groups
        for path, times in Counter(identity(source.path) for source in group).items()
        if times > 1
    )
    shared, sidecars = [], []
    for group in filter(_has_several, map(_deduplicate, groups)):
        are_pictures = [is_picture(source.path) for source in group]
        shared.append(list(compress(group, are_pictures)))
        sidecars.append([source for source, is_one in zip(group, are_pictures, strict=True) if not is_one])
    shared = list(filter(_has_several, shared))
    if shared and policy is OnCollision.ERROR:
        raise CollisionError(_message(shared, names.naming, location))
    skips = policy is OnCollision.SKIP
    skipped = {each.path: first.path for first, *rest in shared for each in rest} if skips else {}
    renamed = sidecars if skips else [*shared, *sidecars]
    suffixes = {each.path: suffix for group in renamed for each, suffix in _suffixes(group, names, taken)}
    return Collisions(suffixes, skipped, duplicates)


def identity(path: str) -> str:
    """Return a text that is equal for all spellings of a path, but different for a link and its target.

    A URL has one spelling.
    """
    if is_url(path):
        return path
    folder, name = os.path.split(path)
    return os.path.join(os.path.realpath(folder), name)


class _BloomFilter:
    """A Bloom filter with one hash function: a set in constant memory, with false positives but no false negatives."""

    def __init__(self) -> None:
        self._bits = bytearray(_BITS // 8)

    def add(self, name: str) -> bool:
        """Add a name; return whether it was in the set, or may have been."""
        bit = int.from_bytes(blake2b(os.fsencode(name), digest_size=8).digest()) % _BITS
        mask = 1 << (bit & 7)
        found = bool(self._bits[bit >> 3] & mask)
        self._bits[bit >> 3] |= mask
        return found

    def add_all(self, names: list[str]) -> bool:
        """Add all names; return whether one of them was in the set, or may have been."""
        return sum(map(self.add, names)) > 0


def _groups(discover: Callable[[], Iterable[Source]], names: OutputNames, suspects: set[str]) -> Iterable[list[Source]]:
    groups: dict[str, list[Source]] = {}
    for source in discover() if suspects else ():
        for name in names.comparable(source):
            if name in suspects:
                groups.setdefault(name, []).append(source)
    # Sources that share one output usually share all of them.
    return {tuple(source.path for source in group): group for group in groups.values()}.values()


def _fold(key: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", key).casefold())


def _has_several(group: list[Source]) -> bool:
    return len(group) > 1


def _deduplicate(group: list[Source]) -> list[Source]:
    """Return the sources of a group, each in the spelling that the walk yields first."""
    first: dict[str, Source] = {}
    for source in group:
        first.setdefault(identity(source.path), source)
    return list(first.values())


def _suffixes(group: list[Source], names: OutputNames, taken: _BloomFilter) -> Iterator[tuple[Source, str]]:
    """Yield a suffix for every source of a group, including the first: names must not depend on which others exist."""
    extensions = [os.path.splitext(source.relative)[1].lstrip(".").lower() for source in group]
    for source, extension in zip(group, extensions, strict=True):
        suffix = f"-{extension}"
        if not extension or extensions.count(extension) > 1 or taken.add_all(names.comparable(source, suffix)):
            suffix = f"-{blake2b(os.fsencode(identity(source.path)), digest_size=4).hexdigest()}"
            taken.add_all(names.comparable(source, suffix))
        yield source, suffix


def _shared_key(group: list[Source], naming: Naming) -> str:
    """Return the output that two sources share; the first one's if they are equal only where case is ignored."""
    first, second = ([output.key for output in naming.outputs(source)] for source in group[:2])
    return next((key for key in first if key in second), first[0])


def _message(groups: list[list[Source]], naming: Naming, location: Callable[[str], str]) -> str:
    lines = [
        f"{location(_shared_key(group, naming))!r} would be made from {' and '.join(repr(each.path) for each in group)}"
        for group in groups[:_MAX_LISTED]
    ]
    more = [f"… and {len(groups) - _MAX_LISTED} more"] if len(groups) > _MAX_LISTED else []
    return "\n".join(["several sources for one output:", *lines, *more])
