"""Drops the colors. Touches no alpha."""

from PIL.Image import Image

from forkresize.image.steps.operation import ColorNeed, Operation, on_image
from forkresize.recipe import Grayscale


def grayscale(image: Image, _step: Grayscale) -> Image:
    """Return the image without colors."""
    return to_gray(image)


def to_gray(image: Image) -> Image:
    """Return the luma of Rec. 601, ``0.299 R + 0.587 G + 0.114 B``, as mode L or LA."""
    if image.mode in {"L", "LA"}:
        return image
    return image.convert("LA" if image.mode == "RGBA" else "L")


OPERATION = Operation(apply=on_image(grayscale), color=ColorNeed.SRGB)
