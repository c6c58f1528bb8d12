"""Keeps a part of the picture. Touches no pixel: what is shown is cut out when it is resized."""

from msgspec.structs import replace

from forkresize.image.errors import PictureError
from forkresize.image.geometry import region
from forkresize.image.picture import View
from forkresize.outcome import Reason
from forkresize.recipe import Crop


def crop(view: View, step: Crop) -> View:
    """Show a part of what is shown.

    Raises:
        PictureError: the part lies outside.
    """
    part = region.crop(view.area, step.left, step.top, step.width, step.height)
    if part is None:
        told = f"{step.width}x{step.height}+{step.left}+{step.top}"
        width, height = view.shown
        raise PictureError(Reason.NOT_APPLICABLE, f"--crop {told} lies outside of its {width} x {height} pixels")
    return replace(view, area=part)
