"""Overlays a watermark."""

from collections.abc import Iterable

from PIL import Image

from forkresize.image.color.alpha import has_alpha
from forkresize.image.geometry.region import Dimensions
from forkresize.image.steps.operation import ColorNeed, Operation, on_image
from forkresize.image.watermark.mark import margin, mark, prepare
from forkresize.image.watermark.position import place, tiles
from forkresize.recipe import Watermark


def watermark(image: Image.Image, step: Watermark) -> Image.Image:
    """Return the image with the mark over it, also where it is transparent; in color if the mark has colors.

    Raises:
        FieldError: the mark's picture or font can't be used.
    """
    if not step.opacity:
        return image
    stamp = mark(step, image.size)
    places = _places(image.size, stamp.size, step)
    if has_alpha(image):
        whole = _composite(image.convert("RGBA"), stamp.convert("RGBA"), places)
        return whole.convert("LA") if image.mode == stamp.mode == "LA" else whole
    return _paste(image.convert("RGB") if stamp.mode == "RGBA" else image.copy(), stamp, places)


def _places(size: Dimensions, stamp: Dimensions, step: Watermark) -> Iterable[Dimensions]:
    space = margin(step, size)
    return tiles(size, stamp, space) if step.gravity is None else [place(size, stamp, step.gravity, space)]


def _paste(canvas: Image.Image, stamp: Image.Image, places: Iterable[Dimensions]) -> Image.Image:
    colors, alpha = stamp.convert(canvas.mode), stamp.getchannel("A")
    for corner in places:
        canvas.paste(colors, corner, alpha)
    return canvas


def _composite(canvas: Image.Image, stamp: Image.Image, places: Iterable[Dimensions]) -> Image.Image:
    for left, top in places:
        beneath = canvas.crop((left, top, left + stamp.width, top + stamp.height))
        canvas.paste(Image.alpha_composite(beneath, stamp), (left, top))
    return canvas


OPERATION = Operation(apply=on_image(watermark), color=ColorNeed.SRGB, prepare=prepare)
