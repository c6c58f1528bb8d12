"""Turns the picture by what the user asks for: quarters by the view, other angles by resampling."""

from msgspec.structs import replace

from forkresize.image.picture import Picture, View
from forkresize.image.steps.orient import turned_view
from forkresize.image.steps.rotate import rotate_any_angle, rotated_size
from forkresize.recipe import RGBA, Rotate

_QUARTERS: dict[float, int] = {0: 1, 90: 6, 180: 3, 270: 8}
"""Clockwise degrees to EXIF's number."""


def rotate_view(view: View, step: Rotate) -> View:
    """Return what is seen after a turn; of other angles than quarters the canvas that holds all corners."""
    quarter = _QUARTERS.get(step.degrees % 360)
    return turned_view(view, quarter) if quarter else View.whole(rotated_size(view.shown, step.degrees))


def rotate(picture: Picture, step: Rotate, background: RGBA) -> Picture:
    """Turn clockwise; corners that nothing covers show the background.

    Args:
        picture: shown whole and upright, unless the angle is a quarter.
        step: by how much.
        background: for the corners.
    """
    if is_quarter(step):
        return replace(picture, view=rotate_view(picture.view, step))
    image = rotate_any_angle(picture.image, step.degrees, picture.view.shown, background, picture.reduction)
    return replace(picture, image=image, view=rotate_view(picture.view, step))


def is_quarter(step: Rotate) -> bool:
    """Whether a turn only moves pixels."""
    return step.degrees % 360 in _QUARTERS
