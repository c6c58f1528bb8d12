"""Reduces pictures to few colors: to a given palette, and translucent ones with levels of alpha. Knows no format."""

from collections.abc import Sequence
from itertools import accumulate
from math import isqrt, sqrt

from PIL import Image
from PIL.Image import Dither, Quantize

_OPAQUE = 255
_BLACK = [0, 0, 0]


def dither(image: Image.Image, palette: Sequence[int]) -> Image.Image:
    """Return an image of mode P in which the error of each pixel is spread over its neighbors.

    Args:
        image: of mode RGB.
        palette: the levels of red, green and blue of one color after the other.
    """
    with_palette = Image.new("P", (1, 1))
    with_palette.putpalette(palette)
    return image.quantize(palette=with_palette, dither=Dither.FLOYDSTEINBERG)


def quantize_rgba(image: Image.Image, colors: int) -> Image.Image:
    """Return an image of mode P with a palette of colors and alpha.

    Pillow dithers no alpha: its own quantization of a slope ends in terraces. So alpha is dithered to a few levels, and
    the colors of each level to a palette of its own, which is the larger the more it shows.

    Args:
        image: of mode RGBA.
        colors: how many there may be, 2 to 256.
    """
    levels = _levels(image.getchannel("A"), colors)
    steps = dither(image.getchannel("A").convert("RGB"), [level for level in levels for _channel in "RGB"])
    palettes = [
        _palette(image, _where(steps, number), room) if level else _BLACK
        for number, (level, room) in enumerate(zip(levels, _rooms(levels, steps, colors), strict=True))
    ]
    starts = accumulate((len(palette) // 3 for palette in palettes), initial=0)
    made = Image.new("P", image.size)
    for number, (palette, start) in enumerate(zip(palettes, starts, strict=False)):
        layer = dither(image.convert("RGB"), palette).point([(index + start) % 256 for index in range(256)])
        made.paste(layer, mask=_where(steps, number))
    made.putpalette(_with_alpha(palettes, levels), "RGBA")
    return made


def _levels(alpha: Image.Image, colors: int) -> list[int]:
    most = 1 + max(1, isqrt(colors) // 2)
    found = [level for level, count in enumerate(alpha.histogram()) if count]
    return found if len(found) <= most else [_OPAQUE * number // (most - 1) for number in range(most)]


def _rooms(levels: list[int], steps: Image.Image, colors: int) -> list[int]:
    """Return how many colors each level has: one, and more by how large and how opaque it is."""
    weights = [level * sqrt(count) for level, count in zip(levels, steps.histogram(), strict=False)]
    # Dithering may leave nothing of what is all but transparent.
    share = (colors - len(levels)) / (sum(weights) or 1)
    return [1 + int(share * weight) for weight in weights]


def _where(steps: Image.Image, number: int) -> Image.Image:
    return steps.point([_OPAQUE * (index == number) for index in range(256)], "L")


def _palette(image: Image.Image, mask: Image.Image, room: int) -> list[int]:
    """Return the levels of red, green and blue of colors for a part of an image."""
    part = Image.new("RGBA", image.size)
    part.paste(image.convert("RGB"), mask=mask)
    flat = part.quantize(room + 1, method=Quantize.FASTOCTREE).getpalette("RGBA") or []
    found = [flat[start : start + 3] for start in range(0, len(flat), 4) if flat[start + 3]]
    return [level for color in found[:room] for level in color] or _BLACK


def _with_alpha(palettes: list[list[int]], levels: list[int]) -> list[int]:
    flat: list[int] = []
    for palette, level in zip(palettes, levels, strict=True):
        for start in range(0, len(palette), 3):
            flat += [*palette[start : start + 3], level]
    return flat
