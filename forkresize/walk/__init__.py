"""From directories to sources: where to start, what to select, and the walk."""

from forkresize.walk.group import FileGroup
from forkresize.walk.keys import KeySelection
from forkresize.walk.roots import Root, read_names, roots, roots_from_names
from forkresize.walk.rules import Rule
from forkresize.walk.selection import Selection, Symlinks
from forkresize.walk.stability import QUIET_PERIOD_NS, StabilityTracker
from forkresize.walk.tree import walk, walk_groups

__all__ = [
    "QUIET_PERIOD_NS",
    "FileGroup",
    "KeySelection",
    "Root",
    "Rule",
    "Selection",
    "StabilityTracker",
    "Symlinks",
    "read_names",
    "roots",
    "roots_from_names",
    "walk",
    "walk_groups",
]
