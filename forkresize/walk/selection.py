"""Which files of a tree are selected: depth, rules, size, age, hidden files and symbolic links."""

import os
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import force_setattr

from forkresize.errors import FieldError
from forkresize.recipe.enums import parse_enum
from forkresize.walk.rules import Rule


class Symlinks(StrEnum):
    """How to treat symbolic links."""

    SKIP = "skip"
    FOLLOW = "follow"


class Selection(Struct, frozen=True, kw_only=True):
    """Which files are selected from the directories that are walked.

    Attributes:
        recursive: whether subdirectories are entered.
        max_depth: how many levels are entered; 1 is the files directly in a source, None is all levels.
        rules: the first one that matches a path decides. A path that no rule matches is included, unless all rules are
            includes. Directories that no rule matches are entered. Everything in an included directory is included
            unless a rule excludes it. An excluded directory is not entered.
        hidden: whether names that begin with a dot are included.
        symlinks: None follows links to files and skips links to directories.
        newer_than: only files modified later than this are included, in nanoseconds since the epoch.
        min_size: minimum size of a file in bytes; None for no minimum.
        max_size: maximum size of a file in bytes; None for no maximum.

    Raises:
        FieldError: a value is invalid.
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
            raise FieldError("max_depth", f"must be at least 1, not {self.max_depth}")
        if self.max_size is not None and self.max_size < (self.min_size or 0):
            raise FieldError("max_size", f"{self.max_size} is less than the minimum size, {self.min_size}")
        if self.symlinks is not None:
            force_setattr(self, "symlinks", parse_enum("symlinks", Symlinks, self.symlinks))

    @property
    def includes_unmatched(self) -> bool:
        """Whether a file that no rule matches is included."""
        return not self.rules or not all(rule.include for rule in self.rules)

    def includes(self, status: os.stat_result) -> bool:
        """Return whether a file with this status is included."""
        return self.includes_status(status.st_size, status.st_mtime_ns)

    def includes_status(self, size: int, mtime_ns: int) -> bool:
        """Return whether a file with this size in bytes and this modification time in nanoseconds is included."""
        if self.min_size is not None and size < self.min_size:
            return False
        if self.max_size is not None and size > self.max_size:
            return False
        return self.newer_than is None or mtime_ns > self.newer_than

    def enters(self, depth: int) -> bool:
        """Return whether a directory whose files are at this depth is entered; files directly in a source are at 1."""
        return depth == 1 or (self.recursive and (self.max_depth is None or depth <= self.max_depth))
