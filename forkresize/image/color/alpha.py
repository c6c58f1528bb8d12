"""Premultiplied alpha. Operations that mix neighboring pixels need it, or colors of transparent pixels would show."""

from PIL.Image import Image

OPAQUE = 255

PREMULTIPLIED = {"LA": "La", "RGBA": "RGBa"}
STRAIGHT = {premultiplied: straight for straight, premultiplied in PREMULTIPLIED.items()}


def has_alpha(image: Image) -> bool:
    """Whether the image has an alpha channel, used or not."""
    return image.mode in PREMULTIPLIED


def premultiply(image: Image) -> Image:
    """Return an image of mode LA or RGBA with its colors multiplied by its alpha; any other unchanged."""
    mode = PREMULTIPLIED.get(image.mode)
    return image.convert(mode) if mode else image


def unpremultiply(image: Image) -> Image:
    """Return an image of mode La or RGBa with its colors divided by its alpha; any other unchanged."""
    mode = STRAIGHT.get(image.mode)
    return image.convert(mode) if mode else image
