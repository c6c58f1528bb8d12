"""Shards: parts of a tree that several runs process."""

import os
import re
from typing import Self

from msgspec import Struct

from forkresize.errors import FieldError
from forkresize.hashing import blake2b

_FORM = "use K/N with 1 <= K <= N, for example 2/4"


class Shard(Struct, frozen=True):
    """One of several parts of the sources. Every source is in exactly one of them, the same on every machine.

    Attributes:
        number: of this shard, from 1.
        count: number of shards.

    Raises:
        FieldError: the number is not between 1 and the count.
    """

    number: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.count:
            raise FieldError("shard", f"invalid shard '{self.number}/{self.count}': {_FORM}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the shard written as ``K/N``.

        Raises:
            ValueError: the text is not a shard.
        """
        found = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text, re.ASCII)
        if not found or not 1 <= int(found[1]) <= int(found[2]):
            raise ValueError(f"invalid shard {text!r}: {_FORM}")
        return cls(int(found[1]), int(found[2]))

    def has(self, relative: str) -> bool:
        """Return whether the source with this relative path is in this shard."""
        digest = blake2b(os.fsencode(relative), digest_size=8).digest()
        return int.from_bytes(digest, "big") % self.count == self.number - 1

    @property
    def lock_name(self) -> str:
        """Its name in the lock file's name."""
        return f"{self.number}-of-{self.count}"
