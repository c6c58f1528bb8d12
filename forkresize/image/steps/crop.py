"""Keeps a part of the picture. Touches no pixel: it is cut out when the picture is resized."""

from msgspec.structs import replace

from forkresize.image.errors import PictureError
from forkresize.image.geometry import region
from forkresize.image.picture import View
from forkresize.image.steps.operation import Operation
from forkresize.outcome import Reason
from forkresize.recipe import Crop


def crop(view: View, step: Crop) -> View:
    """Return the view of a part.

    Raises:
        PictureError: the part lies outside.
    """
    part = region.crop(view.area, step.left, step.top, step.width, step.height)
    if part is None:
        asked = f"{step.width}x{step.height}+{step.left}+{step.top}"
        width, height = view.visible_size
        raise PictureError(Reason.NOT_APPLICABLE, f"crop {asked} is outside of its {width} x {height} pixels")
    return replace(view, area=part)


OPERATION = Operation(view=crop)
