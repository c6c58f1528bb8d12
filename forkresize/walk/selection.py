"""Which files of a tree are taken: Selection and its words, frozen and validated. Walks nothing."""

from dataclasses import dataclass
from enum import StrEnum

from forkresize.errors import UsageError
from forkresize.walk.rules import Rule


class Symlinks(StrEnum):
    """What becomes of symbolic links, all of them alike."""

    SKIP = "skip"
    FOLLOW = "follow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which files are taken from the directories that are walked.

    Attributes:
        recursive: whether directories within are entered.
        max_depth: how many levels are entered, 1 being the files directly in a source; None for all.
        rules: the first that matches a path decides. What none matches is taken, unless every rule is an include;
            directories that none matches are entered, and an included one has all that it holds taken but for what a
            rule leaves out. A directory left out is not entered.
        hidden: whether names that begin with a dot are taken.
        symlinks: None follows links to files and skips links to directories.

    Raises:
        UsageError: a value can't be met; names the option.
    """

    recursive: bool = True
    max_depth: int | None = None
    rules: tuple[Rule, ...] = ()
    hidden: bool = False
    symlinks: Symlinks | None = None

    def __post_init__(self) -> None:
        if self.max_depth is not None and self.max_depth < 1:
            raise UsageError(f"--max-depth: {self.max_depth} is not at least 1")
        try:
            object.__setattr__(self, "symlinks", None if self.symlinks is None else Symlinks(self.symlinks))
        except ValueError:
            raise UsageError(f"--symlinks: {self.symlinks!r} is none of {', '.join(Symlinks)}") from None

    @property
    def takes_unmatched(self) -> bool:
        """Whether a file that no rule matches is taken."""
        return not self.rules or not all(rule.include for rule in self.rules)

    def enters(self, depth: int) -> bool:
        """Whether a directory is entered whose files lie this deep; those directly in a source lie at 1."""
        return depth == 1 or (self.recursive and (self.max_depth is None or depth <= self.max_depth))
