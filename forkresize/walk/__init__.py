"""From folders to sources: where to start, what to take, and the walk. Opens no picture and plans no output."""

from forkresize.walk.roots import Root, read_names, roots, roots_from_names
from forkresize.walk.rules import Rule
from forkresize.walk.selection import Selection, Symlinks
from forkresize.walk.stability import QUIET_PERIOD_NS, StabilityTracker
from forkresize.walk.tree import walk

__all__ = [
    "QUIET_PERIOD_NS",
    "Root",
    "Rule",
    "Selection",
    "StabilityTracker",
    "Symlinks",
    "read_names",
    "roots",
    "roots_from_names",
    "walk",
]
