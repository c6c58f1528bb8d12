"""Makes a picture black and white. Touches no alpha."""

from PIL.Image import Image, merge

from forkresize.image.steps.grayscale import to_gray
from forkresize.image.steps.operation import ColorNeed, Operation, on_image
from forkresize.recipe import Threshold

_WHITE = 255
_LEVELS = 256


def threshold(image: Image, step: Threshold) -> Image:
    """Return an image of mode L or LA whose pixels are black or white, by their luma."""
    gray = to_gray(image)
    table = [_WHITE * (level >= step.level) for level in range(_LEVELS)]
    if gray.mode == "L":
        return gray.point(table)
    return merge("LA", (gray.getchannel("L").point(table), gray.getchannel("A")))


OPERATION = Operation(apply=on_image(threshold), color=ColorNeed.SRGB)
