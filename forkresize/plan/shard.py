"""One part of a tree that several runs share: Shard. Knows nothing of the other runs."""

import hashlib
import os
import re
from typing import Self

from msgspec import Struct

from forkresize.errors import UsageError


class Shard(Struct, frozen=True):
    """Every source is in exactly one of so many shards, the same each time and on each machine.

    Attributes:
        number: which of them this is, from 1.
        count: how many there are.

    Raises:
        UsageError: there is no such shard.
    """

    number: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.count:
            raise UsageError(f"--shard: {self.number}/{self.count}: there is no such part; 1/4 to 4/4 are four")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the shard that ``K/N`` means.

        Raises:
            ValueError: the text is none; says what would do, to follow the text itself.
        """
        found = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text, re.ASCII)
        if not found or not 1 <= int(found[1]) <= int(found[2]):
            raise ValueError("is no shard; of four there are 1/4, 2/4, 3/4 and 4/4")
        return cls(int(found[1]), int(found[2]))

    def has(self, relative: str) -> bool:
        """Whether the source that lies there below its root is in this shard."""
        digest = hashlib.blake2b(os.fsencode(relative), digest_size=8).digest()
        return int.from_bytes(digest, "big") % self.count == self.number - 1

    @property
    def share(self) -> str:
        """What names it in a file name."""
        return f"{self.number}-of-{self.count}"
