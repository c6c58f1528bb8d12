"""From folders to sources: where to start, what to take, and the walk. Opens no picture and plans no output."""

from forkresize.walk.ripeness import QUIET, Ripening
from forkresize.walk.roots import Root, listed, read_names, roots
from forkresize.walk.rules import Rule
from forkresize.walk.selection import Selection, Symlinks
from forkresize.walk.tree import walk

__all__ = [
    "QUIET",
    "Ripening",
    "Root",
    "Rule",
    "Selection",
    "Symlinks",
    "listed",
    "read_names",
    "roots",
    "walk",
]
