"""Mirrors the picture. Touches no pixel: they are mirrored when they are few."""

from forkresize.image.picture import View
from forkresize.image.steps.operation import Operation
from forkresize.image.steps.orient import transform_view
from forkresize.recipe import Axis, Flip

_ORIENTATIONS = {Axis.HORIZONTAL: 2, Axis.VERTICAL: 4}


def flip(view: View, step: Flip) -> View:
    """Return the view mirrored left to right, or top to bottom."""
    return transform_view(view, _ORIENTATIONS[step.axis])


OPERATION = Operation(view=flip)
