"""Colors that count as much as they are opaque, and back. Paints nothing.

Whatever mixes neighboring pixels has to work on these, or else colors hidden under transparency show at its edges.
"""

from PIL.Image import Image

_PREMULTIPLIED = {"LA": "La", "RGBA": "RGBa"}
_STRAIGHT = {premultiplied: straight for straight, premultiplied in _PREMULTIPLIED.items()}


def has_alpha(image: Image) -> bool:
    """Whether the image has an alpha channel, be it used or not."""
    return image.mode in _PREMULTIPLIED


def premultiplied(image: Image) -> Image:
    """Return an image of mode LA or RGBA with its colors times its alpha; any other as it is."""
    mode = _PREMULTIPLIED.get(image.mode)
    return image.convert(mode) if mode else image


def straight(image: Image) -> Image:
    """Return an image of mode La or RGBa with its colors divided by its alpha; any other as it is."""
    mode = _STRAIGHT.get(image.mode)
    return image.convert(mode) if mode else image
