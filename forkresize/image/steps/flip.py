"""Mirrors the picture. Touches no pixel: they are mirrored once they are few."""

from forkresize.image.picture import View
from forkresize.image.steps.orient import turned_view
from forkresize.recipe import Axis, Flip

_ORIENTATIONS = {Axis.HORIZONTAL: 2, Axis.VERTICAL: 4}


def flip(view: View, step: Flip) -> View:
    """Put left for right, or top for bottom."""
    return turned_view(view, _ORIENTATIONS[step.axis])
