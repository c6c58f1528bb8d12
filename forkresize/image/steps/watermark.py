"""Puts a picture or a text over the picture. Makes neither."""

from collections.abc import Iterable

from PIL import Image

from forkresize.image.geometry.region import Dimensions
from forkresize.image.steps.alpha import has_alpha
from forkresize.image.watermark.mark import margin, mark, prepare
from forkresize.image.watermark.position import place, tiles
from forkresize.recipe import RGBA, Watermark

__all__ = ["prepare", "watermark"]


def watermark(image: Image.Image, step: Watermark, _background: RGBA) -> Image.Image:
    """Return the image with the mark over it; a gray one becomes one in colors if the mark has any.

    The mark shows where the image is transparent as well.

    Raises:
        FieldError: the mark's picture or font can't be used.
    """
    if not step.opacity:
        return image
    stamp = mark(step, image.size)
    places = _places(image.size, stamp.size, step)
    if has_alpha(image):
        whole = _composited(image.convert("RGBA"), stamp.convert("RGBA"), places)
        return whole.convert("LA") if image.mode == stamp.mode == "LA" else whole
    return _pasted(image.convert("RGB") if stamp.mode == "RGBA" else image.copy(), stamp, places)


def _places(size: Dimensions, stamp: Dimensions, step: Watermark) -> Iterable[Dimensions]:
    space = margin(step, size)
    return tiles(size, stamp, space) if step.gravity is None else [place(size, stamp, step.gravity, space)]


def _pasted(canvas: Image.Image, stamp: Image.Image, places: Iterable[Dimensions]) -> Image.Image:
    colors, alpha = stamp.convert(canvas.mode), stamp.getchannel("A")
    for corner in places:
        canvas.paste(colors, corner, alpha)
    return canvas


def _composited(canvas: Image.Image, stamp: Image.Image, places: Iterable[Dimensions]) -> Image.Image:
    for left, top in places:
        beneath = canvas.crop((left, top, left + stamp.width, top + stamp.height))
        canvas.paste(Image.alpha_composite(beneath, stamp), (left, top))
    return canvas
