"""Leaves out the colors. Touches no alpha."""

from PIL.Image import Image

from forkresize.recipe import RGBA, Grayscale


def grayscale(image: Image, _step: Grayscale, _background: RGBA) -> Image:
    """Return the luma of Rec. 601, ``0.299 R + 0.587 G + 0.114 B``, as mode L or LA."""
    if image.mode in {"L", "LA"}:
        return image
    return image.convert("LA" if image.mode == "RGBA" else "L")
