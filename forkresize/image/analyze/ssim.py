"""The structural similarity of two pictures, computed with Pillow alone."""

from typing import Any

from PIL import Image
from PIL.Image import Resampling

from forkresize.image.arithmetic import evaluate
from forkresize.image.color.alpha import has_alpha

_C1 = (0.01 * 255) ** 2
_C2 = (0.03 * 255) ** 2

_STEP = 4
"""Distance of windows in pixels; a window is two steps wide and high."""

_GRAY = 128


def ssim(first: Image.Image, second: Image.Image) -> float:
    """Return the mean structural similarity of two pictures' luma: 1 is equal, 0 is unrelated.

    Windows have 8 by 8 pixels and overlap by half. Transparent pixels are composited on gray.

    Args:
        first: of mode L, LA, RGB or RGBA.
        second: of the same size.

    References:
        Wang, Bovik, Sheikh, Simoncelli: Image quality assessment: from error visibility to structural similarity. IEEE
        Transactions on Image Processing 13(4), 2004; equation 13, with K1 = 0.01 and K2 = 0.03.
    """
    one, other = _luma(first), _luma(second)
    moments = {
        "x": window_means(one),
        "y": window_means(other),
        "xx": window_means(_product(one, one)),
        "yy": window_means(_product(other, other)),
        "xy": window_means(_product(one, other)),
    }
    index = evaluate(_index, **moments)
    return mean(index)


def mean(image: Image.Image) -> float:
    """Return the mean value of an image of mode F."""
    return float(image.resize((1, 1), Resampling.BOX).getpixel((0, 0)))  # type: ignore[arg-type] # a number in mode F


def _luma(image: Image.Image) -> Image.Image:
    if has_alpha(image):
        backdrop = Image.new("L", image.size, _GRAY)
        backdrop.paste(image.convert("L"), mask=image.getchannel("A"))
        image = backdrop
    return image.convert("L").convert("F")


def _product(one: Image.Image, other: Image.Image) -> Image.Image:
    return evaluate(lambda images: images["x"] * images["y"], x=one, y=other)


def window_means(image: Image.Image) -> Image.Image:
    """Return the means of windows of 8 by 8 pixels that overlap by half, of an image of mode F."""
    tiles = image.reduce(_STEP)
    width, height = tiles.size
    # At an offset of half a tile, bilinear interpolation is the mean of four neighbors.
    left, top = 0.5 * (width > 1), 0.5 * (height > 1)
    size = max(1, width - 1), max(1, height - 1)
    return tiles.resize(size, Resampling.BILINEAR, (left, top, width - left, height - top))


def _index(means: dict[str, Any]) -> Any:
    x, y = means["x"], means["y"]
    both, squares = x * y, x * x + y * y
    covariance, variances = means["xy"] - both, means["xx"] + means["yy"] - squares
    return (2 * both + _C1) * (2 * covariance + _C2) / ((squares + _C1) * (variances + _C2))
