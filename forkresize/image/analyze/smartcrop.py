"""The most interesting part of a picture, for content-aware gravities."""

from array import array
from collections.abc import Callable
from fractions import Fraction
from itertools import accumulate, groupby
from typing import Any

from PIL import Image, ImageChops, ImageFilter

from forkresize.image.arithmetic import evaluate
from forkresize.image.color.alpha import has_alpha
from forkresize.image.color.convert import DEEP
from forkresize.image.deep_image import DeepImage
from forkresize.image.geometry.layout import Point
from forkresize.image.geometry.region import Dimensions
from forkresize.image.steps.modes import stretch
from forkresize.recipe import Gravity

_SIDE = 96
"""Longer side of the small version that is analyzed, in pixels."""

_SAMPLES = 4
"""The most pixels that are sampled for one of the small version, along each axis."""

_AS_GOOD = 0.99
"""Windows with at least this fraction of the best score count as equally good."""

_LAPLACIAN = (0, -1, 0, -1, 4, -1, 0, -1, 0)
_LAPLACIAN_SIDE = 3
_GRAY = 128

_EDGES = 5
"""Weight of one level of edge, relative to one level of color."""

_SKIN = (0.78, 0.57, 0.44)
"""Direction of skin colors in RGB."""

_SKIN_REACH = 0.2
"""Distance from that direction at which a color no longer counts as skin."""

_DIM = 50
"""Up to this level of gray, colors count as noise."""

_Scores = Callable[[int], list[float]]
"""From the length of a window to its score at each position, from the left or the top."""


def find_focus(image: Image.Image, gravity: Gravity, window: Point) -> Point:
    """Return the center of the most interesting window.

    Entropy is Shannon's, of the window's histogram. Attention is the sum of edges, saturation and similarity to skin.
    Both follow libvips's smartcrop, and smartcrop.js for skin, but try every window. Positions across and down are
    searched independently; the largest window can move along one axis only. Of equally good windows, the middle one of
    adjacent windows is taken, and of several groups the one nearest to the center.

    Args:
        image: of any mode; a small version of it is analyzed.
        gravity: entropy or attention.
        window: its width and height as fractions of the image's, more than 0 and at most 1.
    """
    small = thumbnail(image)
    across, down = _SCORERS[gravity](small)
    return _middle(small.width, window[0], across), _middle(small.height, window[1], down)


def thumbnail(image: Image.Image) -> Image.Image:
    """Return a small RGB version of an image, transparent pixels black; the image itself if it is one already."""
    size = _fit(image.size, _SIDE)
    if image.mode == "RGB" and image.size == size:
        return image
    # A sample is enough; the box kernel would read every pixel.
    sampled = image.resize(_fit(image.size, _SIDE * _SAMPLES), Image.Resampling.NEAREST)
    return _flatten(sampled).resize(size, Image.Resampling.BOX)


def _fit(size: Dimensions, side: int) -> Dimensions:
    longer = max(*size, side)
    return max(1, size[0] * side // longer), max(1, size[1] * side // longer)


def _flatten(image: Image.Image) -> Image.Image:
    if isinstance(image, DeepImage):
        image = image.convert()
    if image.mode in DEEP:
        return stretch(image).convert("RGB")
    if not has_alpha(image):
        return image.convert("RGB")
    colors = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "black"), colors).convert("RGB")


def _entropies(small: Image.Image) -> tuple[_Scores, _Scores]:
    width, height = small.size

    def across(length: int) -> list[float]:
        return [small.crop((left, 0, left + length, height)).entropy() for left in range(width - length + 1)]

    def down(length: int) -> list[float]:
        return [small.crop((0, top, width, top + length)).entropy() for top in range(height - length + 1)]

    return across, down


def _attentions(small: Image.Image) -> tuple[_Scores, _Scores]:
    salience = _salience(small)

    def sums(size: Dimensions, length: int) -> list[float]:
        profile = array("f", salience.resize(size, Image.Resampling.BOX).tobytes())
        totals = list(accumulate(profile, initial=0.0))
        return [after - before for before, after in zip(totals, totals[length:], strict=False)]

    return lambda length: sums((small.width, 1), length), lambda length: sums((1, small.height), length)


_SCORERS = {Gravity.ENTROPY: _entropies, Gravity.ATTENTION: _attentions}


def _salience(small: Image.Image) -> Image.Image:
    """Return the attention that each pixel draws, as an image of mode F."""
    red, green, blue = small.split()
    gray = small.convert("L")
    brightest = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    darkest = ImageChops.darker(ImageChops.darker(red, green), blue)
    return evaluate(
        lambda of: of["edges"] * _EDGES + (of["chroma"] + _skin(of) * 255) * (of["gray"] > _DIM),
        edges=_edges(gray),
        chroma=ImageChops.subtract(brightest, darkest),
        gray=gray,
        red=red,
        green=green,
        blue=blue,
    )


def _edges(gray: Image.Image) -> Image.Image:
    """Return the difference of each pixel from its neighbors; 0 at the border, which the filter does not process."""
    width, height = gray.size
    edges = Image.new("L", gray.size)
    if min(width, height) >= _LAPLACIAN_SIDE:
        filtered = gray.filter(
            ImageFilter.Kernel((_LAPLACIAN_SIDE, _LAPLACIAN_SIDE), _LAPLACIAN, scale=1, offset=_GRAY)
        )
        inner = filtered.crop((1, 1, width - 1, height - 1))
        edges.paste(inner.point([abs(level - _GRAY) for level in range(256)]), (1, 1))
    return edges


def _skin(of: dict[str, Any]) -> Any:
    """Return the similarity of each pixel to skin, 0 to 1."""
    red, green, blue = (of["float"](of[band]) for band in ("red", "green", "blue"))
    length = (red * red + green * green + blue * blue) ** 0.5 + 1e-6
    apart = [band / length - part for band, part in zip((red, green, blue), _SKIN, strict=True)]
    distance = (apart[0] * apart[0] + apart[1] * apart[1] + apart[2] * apart[2]) ** 0.5
    return of["max"](1 - distance / _SKIN_REACH, 0)


def _middle(side: int, share: Fraction, scores_of: _Scores) -> Fraction:
    """Return the center of the best window along an axis, 0 to 1.

    Args:
        side: length of the axis in pixels.
        share: the window's length as a fraction of that.
        scores_of: the scores by position.
    """
    length = max(1, round(side * share))
    room = side - length
    if room == 0:
        return Fraction(1, 2)
    place = _best(scores_of(length))
    return (1 - share) * place / room + share / 2


def _best(scores: list[float]) -> Fraction:
    """Return the best position, in steps from the first."""
    enough = max(scores) * _AS_GOOD
    center = Fraction(len(scores) - 1, 2)
    rows = groupby(range(len(scores)), lambda place: scores[place] >= enough)
    middles = [Fraction(row[0] + row[-1], 2) for good, row in ((good, list(places)) for good, places in rows) if good]
    return min(middles, key=lambda middle: abs(middle - center))
