"""Renders text, white with a dark outline, so that it is legible on any picture."""

from functools import lru_cache
from math import ceil, floor
from typing import Literal

from PIL import Image, ImageDraw
from PIL.ImageText import Text

from forkresize.image.watermark.font import font, lines

Align = Literal["left", "center", "right"]

_OUTLINE = 1 / 16
"""Width of the outline, in ems."""

_SAMPLE = "Hg"
_EM = 1000

_LEAST_STEP = 1.02
"""The least factor by which a text that is too large is reduced: small glyphs have widths of whole pixels."""


def render_text(text: str, path: str | None, height: float, room: tuple[int, int], align: Align) -> Image.Image:
    """Return a text as an image of mode LA, cropped to the text.

    Args:
        text: one or more lines.
        path: of the font; None for the bundled one.
        height: from the top of capital letters to the bottom of descenders, in pixels.
        room: the largest width and height of the result, in pixels; a larger text is reduced, but not below one pixel
            per em.
        align: alignment of the shorter lines.

    Raises:
        FieldError: the font can't be used.
    """
    text = lines(text)
    size = max(1.0, height / _relative_height(path))
    while (excess := _excess(_box(_with_outline(text, path, size), align), room)) > 1 and size > 1:
        size = max(1.0, size / max(excess, _LEAST_STEP))
    return _render(text, path, size, align)


@lru_cache(maxsize=16)
def _relative_height(path: str | None) -> float:
    _left, top, _right, bottom = font(path, _EM).getbbox(_SAMPLE)
    # A font without Latin letters may have empty glyphs for them.
    return (bottom - top) / _EM or 1.0


def _render(text: str, path: str | None, size: float, align: Align) -> Image.Image:
    outlined = _with_outline(text, path, size)
    left, top, right, bottom = _box(outlined, align)
    canvas, origin = (max(1, right - left), max(1, bottom - top)), (-left, -top)
    letters, all_of_it = (Image.new("L", canvas) for _ in range(2))
    ImageDraw.Draw(letters).text(origin, _plain(text, path, size), 255, align=align)
    ImageDraw.Draw(all_of_it).text(origin, outlined, 255, align=align)
    # Fonts leave space beside the letters.
    return Image.merge("LA", (letters, all_of_it)).crop(all_of_it.getbbox())


def _with_outline(text: str, path: str | None, size: float) -> Text[str]:
    outlined = _plain(text, path, size)
    # The outline must not move the lines.
    outlined.spacing -= 2 * size * _OUTLINE
    outlined.stroke(size * _OUTLINE)
    return outlined


def _plain(text: str, path: str | None, size: float) -> Text[str]:
    shape = font(path, size)
    # Pillow adds this between the baseline of one line and the ascenders of the next.
    _ascent, descent = shape.getmetrics()
    return Text(text, shape, "L", spacing=descent)


def _box(text: Text[str], align: Align) -> tuple[int, int, int, int]:
    left, top, right, bottom = text.get_bbox(align=align)
    return floor(left), floor(top), ceil(right), ceil(bottom)


def _excess(box: tuple[int, int, int, int], room: tuple[int, int]) -> float:
    """Return how many times too wide or too high a box is."""
    left, top, right, bottom = box
    return max((right - left) / room[0], (bottom - top) / room[1])
