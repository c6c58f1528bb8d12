"""Which files of a tree are taken: Selection and its words, frozen and validated. Walks nothing."""

import os
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import force_setattr

from forkresize.errors import UsageError
from forkresize.walk.rules import Rule


class Symlinks(StrEnum):
    """What becomes of symbolic links, all of them alike."""

    SKIP = "skip"
    FOLLOW = "follow"


class Selection(Struct, frozen=True, kw_only=True):
    """Which files are taken from the directories that are walked.

    Attributes:
        recursive: whether directories within are entered.
        max_depth: how many levels are entered, 1 being the files directly in a source; None for all.
        rules: the first that matches a path decides. What none matches is taken, unless every rule is an include;
            directories that none matches are entered, and an included one has all that it holds taken but for what a
            rule leaves out. A directory left out is not entered.
        hidden: whether names that begin with a dot are taken.
        symlinks: None follows links to files and skips links to directories.
        newer_than: files are taken that were modified later than this, in nanoseconds since the epoch.
        min_size: bytes that a file has at least to be taken; None for any number.
        max_size: bytes that it has at most; None for any number.

    Raises:
        UsageError: a value can't be met; names the option.
    """

    recursive: bool = True
    max_depth: int | None = None
    rules: tuple[Rule, ...] = ()
    hidden: bool = False
    symlinks: Symlinks | None = None
    newer_than: int | None = None
    min_size: int | None = None
    max_size: int | None = None

    def __post_init__(self) -> None:
        if self.max_depth is not None and self.max_depth < 1:
            raise UsageError(f"--max-depth: {self.max_depth} is not at least 1")
        if self.max_size is not None and self.max_size < (self.min_size or 0):
            raise UsageError(f"--max-size: {self.max_size} is less than --min-size, {self.min_size}: nothing is both")
        try:
            force_setattr(self, "symlinks", None if self.symlinks is None else Symlinks(self.symlinks))
        except ValueError:
            raise UsageError(f"--symlinks: {self.symlinks!r} is none of {', '.join(Symlinks)}") from None

    @property
    def takes_unmatched(self) -> bool:
        """Whether a file that no rule matches is taken."""
        return not self.rules or not all(rule.include for rule in self.rules)

    def takes(self, status: os.stat_result) -> bool:
        """Whether a file of this size and time is taken."""
        if self.min_size is not None and status.st_size < self.min_size:
            return False
        if self.max_size is not None and status.st_size > self.max_size:
            return False
        return self.newer_than is None or status.st_mtime_ns > self.newer_than

    def enters(self, depth: int) -> bool:
        """Whether a directory is entered whose files lie this deep; those directly in a source lie at 1."""
        return depth == 1 or (self.recursive and (self.max_depth is None or depth <= self.max_depth))
