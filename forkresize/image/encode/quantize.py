"""Reduces pictures to few colors: to a given palette, and translucent ones with levels of alpha. Knows no format."""

from collections.abc import Sequence
from itertools import accumulate
from math import isqrt, sqrt

from PIL import Image
from PIL.Image import Dither, Quantize

from forkresize.image.color.alpha import OPAQUE

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

    Pillow does not dither alpha, so that gradients become visible steps. Here alpha is dithered to a few levels, and
    the colors of each level to a palette of its own, whose size depends on the area and the opacity of the level.

    Args:
        image: of mode RGBA.
        colors: the maximum, 2 to 256.
    """
    levels = _levels(image.getchannel("A"), colors)
    steps = dither(image.getchannel("A").convert("RGB"), [level for level in levels for _channel in "RGB"])
    palettes = [
        _palette(image, _mask_of(steps, number), room) if level else _BLACK
        for number, (level, room) in enumerate(zip(levels, _palette_sizes(levels, steps, colors), strict=True))
    ]
    starts = accumulate((len(palette) // 3 for palette in palettes), initial=0)
    made = Image.new("P", image.size)
    for number, (palette, start) in enumerate(zip(palettes, starts, strict=False)):
        layer = dither(image.convert("RGB"), palette).point([(index + start) % 256 for index in range(256)])
        made.paste(layer, mask=_mask_of(steps, number))
    made.putpalette(_with_alpha(palettes, levels), "RGBA")
    return made


def _levels(alpha: Image.Image, colors: int) -> list[int]:
    most = 1 + max(1, isqrt(colors) // 2)
    found = [level for level, count in enumerate(alpha.histogram()) if count]
    return found if len(found) <= most else [OPAQUE * number // (most - 1) for number in range(most)]


def _palette_sizes(levels: list[int], steps: Image.Image, colors: int) -> list[int]:
    """Return the number of colors of each level: at least one, and more for large and opaque ones."""
    weights = [level * sqrt(count) for level, count in zip(levels, steps.histogram(), strict=False)]
    # Dithering can remove almost transparent levels altogether.
    share = (colors - len(levels)) / (sum(weights) or 1)
    return [1 + int(share * weight) for weight in weights]


def _mask_of(steps: Image.Image, number: int) -> Image.Image:
    return steps.point([OPAQUE * (index == number) for index in range(256)], "L")


def _palette(image: Image.Image, mask: Image.Image, room: int) -> list[int]:
    """Return a palette for a part of an image, as levels of red, green and blue."""
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
