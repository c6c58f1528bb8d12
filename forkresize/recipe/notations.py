"""How people write sizes in bytes, percentages, points, colors, qualities and formats, as text and in TOML."""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Meta

from forkresize.formats import DEFAULT_QUALITY, Format
from forkresize.recipe.color import EXPECTED, RGBA, parse_color
from forkresize.recipe.declaration import format_value, notation, parse_number
from forkresize.recipe.enums import Drop, Gravity
from forkresize.words import find_word

KEEP = "keep"
"""Stands for the source's own format."""

TILE = "tile"
"""Stands for a watermark that is repeated all over the image."""

NOTHING = "none"
"""Stands for dropping nothing."""

DROPS = f"{', '.join(Drop)}, several as in {','.join(Drop)}, or {NOTHING}"

DIRECTIONS = tuple(gravity for gravity in Gravity if gravity not in {Gravity.ENTROPY, Gravity.ATTENTION})

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}
_MEGA = 10**6

MAX_MEGAPIXELS = 10**6
"""The largest limit of pixels, a hundred times the area of the largest output."""

_OPAQUE = 255


def parse_bytes(size: int | str) -> int:
    """Return a number of bytes; K, M and G are powers of 1000, Ki, Mi and Gi of 1024, each with or without B.

    Raises:
        ValueError: the text is not a size.
    """
    if isinstance(size, int):
        return size
    found = re.fullmatch(r"(\d{1,15}(?:\.\d{1,15})?)\s*((?:[kmg]i?)?)b?", size.strip().lower(), re.ASCII)
    if not found:
        raise ValueError(
            f"invalid size {format_value(size)}: use a number with an optional unit, for example 300K, 1.5M or 200KiB"
        )
    return round(float(found[1]) * _UNITS[found[2]])


def _pixels(megapixels: float | str) -> int:
    """Return the pixels of megapixels. A number above a million is probably one of pixels.

    Raises:
        ValueError: the text is not a number, or the number is out of range.
    """
    number = parse_number(megapixels) if isinstance(megapixels, str) else megapixels
    if math.isfinite(number) and number > MAX_MEGAPIXELS:
        raise ValueError(
            f"invalid number of megapixels {format_value(megapixels)}: use 200 for 200 million pixels; at most "
            f"{MAX_MEGAPIXELS}"
        )
    if not math.isfinite(number) or number * _MEGA < 1:
        raise ValueError(f"invalid number of megapixels {format_value(megapixels)}: use a positive number such as 200")
    return round(number * _MEGA)


def _megapixels(pixels: int) -> float:
    return pixels // _MEGA if pixels % _MEGA == 0 else pixels / _MEGA


def _color(color: str | list[Any]) -> Any:
    if isinstance(color, str):
        return parse_color(color)
    return (*color, _OPAQUE) if len(color) == len("RGB") else color


def _hex(color: RGBA) -> str:
    digits = "#" + bytes(color).hex()
    return digits.removesuffix("ff") if color[-1] == _OPAQUE else digits


def _percentages(percent: str | float | list[Any]) -> Any:
    if isinstance(percent, list):
        return [_percentage(each) for each in percent]
    return (_percentage(percent),) * 2


def _percentage(percent: Any) -> Any:
    """Return a percentage. One below 1 needs its sign: without, it is a factor that was mistaken for a percentage.

    Raises:
        ValueError: the text is not a number, or the number is a factor.
    """
    is_text = isinstance(percent, str)
    number = parse_number(percent.removesuffix("%")) if is_text else percent
    if isinstance(number, int | float) and 0 < number < 1 and not (is_text and percent.endswith("%")):
        raise ValueError(
            f"invalid percentage {format_value(percent)}: use {number * 100:g}% for {number:g} times the size, "
            f"or '{number:g}%' for less than one percent"
        )
    return number


def _percent(scale: tuple[float, float]) -> Any:
    written = [f"{each!r}%" if each < 1 else each for each in scale]
    return written[0] if repr(scale[0]) == repr(scale[1]) else written


def _point(point: str | list[Any]) -> Any:
    if not isinstance(point, str):
        return point
    found = re.fullmatch(r"(\d*\.?\d+),(\d*\.?\d+)", point.strip(), re.ASCII)
    if not found:
        raise ValueError(f"invalid point {format_value(point)}: use X,Y with numbers from 0 to 1, for example 0.5,0.3")
    return float(found[1]), float(found[2])


def _quality(quality: int | str | dict[str, Any]) -> Any:
    if not isinstance(quality, str):
        return quality
    if re.fullmatch(r"\d{1,9}", quality, re.ASCII):
        return int(quality)
    pairs = re.findall(r"(\w+)=(\d{1,9})(?:,|$)", quality, re.ASCII)
    if ",".join(f"{name}={number}" for name, number in pairs) != quality or not pairs:
        raise ValueError(f"invalid quality {format_value(quality)}: use 80, or one per format as in jpeg=80,webp=85")
    return {name: int(number) for name, number in pairs}


def join_qualities(quality: Mapping[str, int]) -> int | dict[str, int]:
    """Return one number if all formats have the same."""
    values = set(quality.values())
    if len(values) == 1 and quality.keys() == DEFAULT_QUALITY.keys():
        return values.pop()
    return {str(output): number for output, number in quality.items()}


def _drop(drop: str | list[Any]) -> Any:
    """Return several words from a list, or from a text that separates them by commas."""
    if isinstance(drop, str) and find_word(drop, [NOTHING]):
        return ()
    words = drop.split(",") if isinstance(drop, str) else drop
    found = [find_word(word, Drop) if isinstance(word, str) else None for word in words]
    if None in found:
        raise ValueError(f"invalid value {format_value(drop)}: use {DROPS}")
    return tuple(found)


def _words(none: str, others: Iterable[str]) -> Meta:
    """Declare the words of an enumeration, with one more that stands for None."""
    words = (none, *map(str, others))
    return notation(
        f"one of {', '.join(words)}",
        lambda word: None if find_word(word, [none]) else word,
        write=lambda value: none if value is None else str(value),
        choices=words,
    )


BYTES = notation("a number of bytes, or text such as 300K, 1.5M or 200KiB", parse_bytes, types=(int, str))
MEGAPIXELS = notation("a number of megapixels, for example 200", _pixels, types=(int, float), write=_megapixels)
COLOR = notation(f"{EXPECTED}, or [red, green, blue, alpha], 0 to 255 each", _color, types=(str, list), write=_hex)
PERCENT = notation(
    "a percentage, or two as in [50, 25], from 0.001 to 10000",
    _percentages,
    types=(int, float, list, str),
    write=_percent,
)
POINT = notation("two numbers from 0 to 1, for example 0.5,0.3", _point, types=(list, str), write=list)
QUALITY = notation(
    f"a number from 1 to 100, or one for each of {', '.join(DEFAULT_QUALITY)}, for example jpeg=80,webp=85",
    _quality,
    types=(int, str, dict),
    write=join_qualities,
)
DROP = notation(DROPS, _drop, types=(str, list), write=lambda drop: ",".join(map(str, drop)) or NOTHING)
FORMAT = _words(KEEP, Format)
PLACE = _words(TILE, DIRECTIONS)
