"""Where in a picture there is most to see, for gravities that look at it. Crops nothing."""

from array import array
from collections.abc import Callable
from fractions import Fraction
from itertools import accumulate, groupby
from typing import Any

from PIL import Image, ImageChops, ImageFilter, ImageMath

from forkresize.image.color.convert import DEEP
from forkresize.image.geometry.layout import Point
from forkresize.image.geometry.region import Dimensions
from forkresize.image.steps.modes import stretch
from forkresize.recipe import Gravity

_SIDE = 96
"""The longer side of the small version that is looked at, in pixels."""

_SAMPLES = 4
"""How many pixels of the picture make one of the small version along each axis, at most."""

_AS_GOOD = 0.99
"""A window with this share of the best one's score is as good; which is ahead by less is chance."""

_LAPLACIAN = (0, -1, 0, -1, 4, -1, 0, -1, 0)
_LAPLACIAN_SIDE = 3
_GRAY = 128

_EDGES = 5
"""What an edge of one level counts for, against one level of color."""

_SKIN = (0.78, 0.57, 0.44)
"""Red, green and blue of skin, as a direction."""

_SKIN_REACH = 0.2
"""How far from that a color no longer counts as skin."""

_DIM = 50
"""Up to this level, colors are noise."""

_Scores = Callable[[int], list[float]]
"""From the length of a window to the score of each place it can have, from the left or the top on."""


def find_focus(image: Image.Image, gravity: Gravity, window: Point) -> Point:
    """Return the middle of the window that has most to see in it.

    Entropy is Shannon's, of the window's histogram. Attention is the sum of edges, color and closeness to the color of
    skin. Both follow libvips's smartcrop, and smartcrop.js in what skin is, but every window is tried. Places across
    and down are looked for one without the other; a window that covers all it can has room along one of them only. Of
    windows that are as good, it is the middle one of those in a row, and of several rows that nearest to the center.

    Args:
        image: an image of any mode; it is looked at in a small version.
        gravity: entropy or attention.
        window: its width and height as shares of the image's, more than 0 and at most 1.
    """
    small = thumbnail(image)
    across, down = _SCORERS[gravity](small)
    return _middle(small.width, window[0], across), _middle(small.height, window[1], down)


def thumbnail(image: Image.Image) -> Image.Image:
    """Return a small RGB version of an image, black where it is transparent; the image itself if it is such already."""
    size = _within(image.size, _SIDE)
    if image.mode == "RGB" and image.size == size:
        return image
    # The box kernel would go through every pixel for what a sample tells as well.
    sampled = image.resize(_within(image.size, _SIDE * _SAMPLES), Image.Resampling.NEAREST)
    return _opaque(sampled).resize(size, Image.Resampling.BOX)


def _within(size: Dimensions, side: int) -> Dimensions:
    longer = max(*size, side)
    return max(1, size[0] * side // longer), max(1, size[1] * side // longer)


def _opaque(image: Image.Image) -> Image.Image:
    if image.mode in DEEP:
        return stretch(image).convert("RGB")
    if image.mode not in {"LA", "RGBA"}:
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
    """Return how much each pixel draws the eye, as an image of mode F."""
    red, green, blue = small.split()
    gray = small.convert("L")
    brightest = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    darkest = ImageChops.darker(ImageChops.darker(red, green), blue)
    return _evaluated(
        lambda of: of["edges"] * _EDGES + (of["chroma"] + _skin(of) * 255) * (of["gray"] > _DIM),
        edges=_edges(gray),
        chroma=ImageChops.subtract(brightest, darkest),
        gray=gray,
        red=red,
        green=green,
        blue=blue,
    )


def _edges(gray: Image.Image) -> Image.Image:
    """Return how far each pixel is from those around it; nothing at the border, which the filter leaves as it is."""
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
    """Return how close to the direction of skin's color each pixel is: 1 at it, 0 where that ends."""
    red, green, blue = (of["float"](of[band]) for band in ("red", "green", "blue"))
    length = (red * red + green * green + blue * blue) ** 0.5 + 1e-6
    apart = [band / length - part for band, part in zip((red, green, blue), _SKIN, strict=True)]
    distance = (apart[0] * apart[0] + apart[1] * apart[1] + apart[2] * apart[2]) ** 0.5
    return of["max"](1 - distance / _SKIN_REACH, 0)


def _middle(side: int, share: Fraction, scores_of: _Scores) -> Fraction:
    """Return where on an axis, 0 to 1, the middle of the best window is.

    Args:
        side: the length of the axis in pixels.
        share: the window's length as a share of that.
        scores_of: the scores of each place.
    """
    length = max(1, round(side * share))
    room = side - length
    if room == 0:
        return Fraction(1, 2)
    place = _best(scores_of(length))
    return (1 - share) * place / room + share / 2


def _best(scores: list[float]) -> Fraction:
    """Return the best place, in steps from the first."""
    enough = max(scores) * _AS_GOOD
    center = Fraction(len(scores) - 1, 2)
    rows = groupby(range(len(scores)), lambda place: scores[place] >= enough)
    middles = [Fraction(row[0] + row[-1], 2) for good, row in ((good, list(places)) for good, places in rows) if good]
    return min(middles, key=lambda middle: abs(middle - center))


def _evaluated(formula: Callable[[dict[str, Any]], Any], **images: Image.Image) -> Image.Image:
    result: Image.Image = ImageMath.lambda_eval(formula, **images)
    return result
