"""Two sources for one output: found before any work, in memory that does not grow with the tree. Pure."""

import hashlib
import os
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePath

from forkresize.errors import CollisionError
from forkresize.job import Source
from forkresize.plan.naming import Naming

_BITS = 1 << 26
"""Size of the filter of names seen: 8 MiB; among a million names it takes some 7,500 for seen that are not."""

_TOLD = 5
"""How many collisions an error names."""


class OnCollision(StrEnum):
    """What is done about two sources for one output."""

    ERROR = "error"
    SUFFIX = "suffix"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Collisions:
    """The sources that may not have the output their name gives them.

    Attributes:
        marks: from the path of a source to what its output's name is marked with.
        left_out: from the path of a source to the path of the source that has its output.
        repeated: paths that the walk comes to more than once; the output is made the first time.
    """

    marks: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    repeated: frozenset[str] = frozenset()


def find_collisions(
    discover: Callable[[], Iterable[Source]],
    naming: Naming,
    policy: OnCollision,
    *,
    folded: bool,
    is_picture: Callable[[str], bool],
) -> Collisions:
    """Find the sources that share an output, and settle each by the policy.

    Files that are no pictures have no output and collide with nothing; only those that share a name are looked into.

    Args:
        discover: yields all sources, the same each time; called twice.
        naming: gives each its output.
        policy: what is done about those that share one.
        folded: whether the destination's file system takes names for equal that differ in case or Unicode form.
        is_picture: tells by a file's content.

    Raises:
        CollisionError: there are any, and the policy is to refuse them.
    """
    groups = [group for group in _groups(discover, naming, folded=folded) if len(group) > 1]
    repeated = frozenset(
        path for group in groups for path, times in Counter(source.path for source in group).items() if times > 1
    )
    distinct = (list({source.path: source for source in group}.values()) for group in groups)
    pictures = ([source for source in group if is_picture(source.path)] for group in distinct if len(group) > 1)
    shared = [group for group in pictures if len(group) > 1]
    if shared and policy is OnCollision.ERROR:
        raise CollisionError(_message(shared, naming))
    if policy is OnCollision.SKIP:
        left_out = {each.path: first.path for first, *rest in shared for each in rest}
        return Collisions(left_out=left_out, repeated=repeated)
    marks = {each.path: mark for group in shared for each, mark in _marked(group)}
    return Collisions(marks=marks, repeated=repeated)


def _groups(discover: Callable[[], Iterable[Source]], naming: Naming, *, folded: bool) -> Iterable[list[Source]]:
    suspects = _suspects(_key(naming.place(source), folded=folded) for source in discover())
    groups: dict[str, list[Source]] = {}
    for source in discover() if suspects else ():
        key = _key(naming.place(source), folded=folded)
        if key in suspects:
            groups.setdefault(key, []).append(source)
    return groups.values()


def _key(path: str, *, folded: bool) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold()) if folded else path


def _suspects(keys: Iterable[str]) -> set[str]:
    """Return the keys met twice, and a few more: a bit for each hash, so that memory is the same for any number."""
    seen = bytearray(_BITS // 8)
    suspects = set()
    for key in keys:
        bit = int.from_bytes(hashlib.blake2b(os.fsencode(key), digest_size=8).digest()) % _BITS
        if seen[bit >> 3] & 1 << (bit & 7):
            suspects.add(key)
        seen[bit >> 3] |= 1 << (bit & 7)
    return suspects


def _marked(group: list[Source]) -> Iterator[tuple[Source, str]]:
    """Mark every source of a group, the first too: what a name stands for must not hang on which of them are there."""
    suffixes = [PurePath(source.relative).suffix.lstrip(".").lower() for source in group]
    for source, suffix in zip(group, suffixes, strict=True):
        digest = hashlib.blake2b(os.fsencode(source.path), digest_size=4).hexdigest()
        yield source, f"-{suffix}" if suffix and suffixes.count(suffix) == 1 else f"-{digest}"


def _message(groups: list[list[Source]], naming: Naming) -> str:
    lines = [
        f"{naming.place(group[0])!r} would be made from {' and '.join(repr(source.path) for source in group)}"
        for group in groups[:_TOLD]
    ]
    more = [f"… and {len(groups) - _TOLD} more"] if len(groups) > _TOLD else []
    advice = "--on-collision suffix keeps all, --on-collision skip the first; --name {name} tells them apart"
    return "\n".join(["two sources for one output:", *lines, *more, advice])
