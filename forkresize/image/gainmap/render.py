"""Brings a gain map to an output: the same crop, turn and scale as the picture."""

import io

from PIL import Image

from forkresize.image.gainmap.errors import GainMapError
from forkresize.image.gainmap.source import GainMap
from forkresize.image.geometry.layout import Layout
from forkresize.image.geometry.region import Dimensions, Region, is_sideways, stored_area
from forkresize.image.picture import Picture, View
from forkresize.image.resample import kernel
from forkresize.image.steps.orient import orient
from forkresize.recipe import Resample

_QUALITY = 90
"""Steps of a gain map are visible in skies: it is small, and gets a high quality."""


def render_map(gain_map: GainMap, view: View, plan: Layout) -> bytes:
    """Return the gain map of an output as a JPEG, without description.

    It keeps the ratio of its size to the picture's, but is never enlarged.

    Args:
        gain_map: that of the source.
        view: the visible part and the orientation of the source.
        plan: how it becomes the output.

    Raises:
        GainMapError: it is damaged.
    """
    sideways = is_sideways(view.orientation)
    stored = view.size[::-1] if sideways else view.size
    ratios = gain_map.size[0] / stored[0], gain_map.size[1] / stored[1]
    left, top, width, height = _stored_box(view, plan.area)
    box = left * ratios[0], top * ratios[1], width * ratios[0], height * ratios[1]
    scaled = plan.scaled[::-1] if sideways else plan.scaled
    size = _fit(scaled, ratios, box)
    try:
        image = _resample(gain_map, size, box)
    except (OSError, ValueError, SyntaxError) as error:
        raise GainMapError(f"its gain map is damaged: {error}") from None
    upright = View(size=plan.scaled, orientation=view.orientation, area=Region.whole(plan.scaled))
    file = io.BytesIO()
    orient(Picture(image=image, view=upright)).image.save(file, "JPEG", quality=_QUALITY, optimize=True, subsampling=0)
    return file.getvalue()


def _stored_box(view: View, part: Region) -> tuple[float, float, float, float]:
    """Return left, top, width and height of a part of the visible area, in pixels of the stored picture."""
    shifted = Region(view.area.left + part.left, view.area.top + part.top, part.width, part.height)
    area = stored_area(shifted, view.size, view.orientation)
    return float(area.left), float(area.top), float(area.width), float(area.height)


def _fit(scaled: Dimensions, ratios: tuple[float, float], box: tuple[float, float, float, float]) -> Dimensions:
    across, down = (
        max(1, round(min(side * ratio, own))) for side, ratio, own in zip(scaled, ratios, box[2:], strict=True)
    )
    return across, down


def _resample(gain_map: GainMap, size: Dimensions, box: tuple[float, float, float, float]) -> Image.Image:
    with Image.open(io.BytesIO(gain_map.data), formats=["JPEG"]) as image:
        image.load()
        pixels: Image.Image = image.point(list(gain_map.curve) * len(image.getbands())) if gain_map.curve else image
        width, height = pixels.size
        if size == pixels.size and box == (0.0, 0.0, float(width), float(height)):
            return pixels.copy()
        return kernel.resample(pixels, size, box, Resample.BILINEAR)
