"""The kinds of value in a recipe file: which of TOML's types each may have, and what they stand for. Knows no key."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from forkresize.recipe import DEFAULT_QUALITY, RGBA, Crop, Resize, Sharpen, Size
from forkresize.recipe.options import KEEP, TILE
from forkresize.recipe.quantity import parse_bytes

_OPAQUE = 255
_MEGA = 1e6

_TYPES = {
    bool: "a boolean",
    int: "a whole number",
    float: "a number with a point",
    str: "a text",
    list: "an array",
    dict: "a table",
}


class ValueType(Struct, frozen=True):
    """What a value may be.

    Attributes:
        would_do: what a value of this kind looks like, to end a sentence with.
        types: which of TOML's types it may have.
        read: from what TOML holds to what a recipe holds; raises ValueError where there is no such value.
        write: back again.
    """

    would_do: str
    types: tuple[type, ...]
    read: Callable[[Any], Any] = lambda value: value
    write: Callable[[Any], Any] = lambda value: value

    def take(self, value: Any) -> Any:
        """Return what a value out of a file stands for.

        Raises:
            ValueError: it is not of this kind; says what would do.
        """
        if type(value) not in self.types:
            raise ValueError(f"is {_TYPES.get(type(value), 'a date or a time')}; {self.would_do} would do")
        if isinstance(value, str) and "\0" in value:
            raise ValueError("holds a NUL, which ends a text")
        return self.read(value)


def _pixels(megapixels: float) -> int:
    if not math.isfinite(megapixels) or megapixels * _MEGA < 1:
        raise ValueError(f"{megapixels!r} is no number of megapixels, such as 200 or 0.5")
    return round(megapixels * _MEGA)


def _megapixels(pixels: int) -> float:
    return pixels // 10**6 if pixels % 10**6 == 0 else pixels / _MEGA


def _bytes(size: int | str) -> int:
    if isinstance(size, int):
        return size
    try:
        return parse_bytes(size)
    except ValueError as error:
        raise ValueError(f"{size!r} {error}") from None


def _color(color: str | list[Any]) -> RGBA:
    from forkresize.image.color.css import parse_color

    if isinstance(color, str):
        return parse_color(color)
    if len(color) not in {3, 4} or any(type(channel) is not int for channel in color):
        raise ValueError("is no color; [red, green, blue] is, and [red, green, blue, alpha], 0 to 255 each")
    red, green, blue, *alpha = color
    return red, green, blue, (alpha or [_OPAQUE])[0]


def _hex(color: RGBA) -> str:
    digits = "#" + bytes(color).hex()
    return digits.removesuffix("ff") if color[-1] == _OPAQUE else digits


def _pair(values: list[Any]) -> tuple[float, float]:
    if len(values) != 2 or any(type(value) not in {int, float} for value in values):  # noqa: PLR2004 (a pair)
        raise ValueError("is no pair; two numbers in brackets are, such as [0.5, 0.3]")
    return values[0], values[1]


def _place(gravity: str | None) -> str:
    return TILE if gravity is None else str(gravity)


def _focus(point: str | list[Any]) -> tuple[float, float]:
    return Resize.parse_focus(point) if isinstance(point, str) else _pair(point)


def _scale(percent: float | list[Any]) -> tuple[float, float]:
    return _pair(percent) if isinstance(percent, list) else (percent, percent)


def _percent(scale: tuple[float, float]) -> float | list[float]:
    return scale[0] if repr(scale[0]) == repr(scale[1]) else list(scale)


def _quality(quality: int | str | dict[str, Any]) -> int | Mapping[str, Any]:
    if not isinstance(quality, str):
        return quality
    pairs = re.findall(r"(\w+)=(\d{1,3})(?:,|$)", quality, re.ASCII)
    if not pairs or ",".join(f"{output}={number}" for output, number in pairs) != quality:
        raise ValueError(f"{quality!r} is no quality; 80 is, and jpeg=80,webp=78")
    return {output: int(number) for output, number in pairs}


def _qualities(quality: Mapping[str, int]) -> int | dict[str, int]:
    """Return one number where it is all formats', as it then was when it was asked for."""
    values = set(quality.values())
    if len(values) == 1 and quality.keys() == DEFAULT_QUALITY.keys():
        return values.pop()
    return {str(output): number for output, number in quality.items()}


WHOLE = ValueType("a whole number, such as 800,", (int,))
NUMBER = ValueType("a number, such as 0.5,", (int, float))
FLAG = ValueType("true or false", (bool,))
TABLES = ValueType("tables, each under double brackets such as [[steps]],", (list,))
TEXT = ValueType("a text in quotes", (str,))
WORD = ValueType("a word in quotes", (str,), write=str)
FILE = ValueType("the path of a file, in quotes,", (str,))
FORMAT = ValueType('a word in quotes, such as "webp",', (str,), lambda word: None if word == KEEP else word, str)
PLACE = ValueType(
    'a word in quotes, such as "south-east",', (str,), lambda word: None if word == TILE else word, _place
)
GEOMETRY = ValueType('a text such as "800x600",', (str,), Size.parse)
BYTES = ValueType('a number of bytes, or a text such as "300K",', (int, str), _bytes)
CROP = ValueType('a text such as "800x600+10+20"', (str,), Crop.parse)
COLOR = ValueType('a text such as "white" or "#ff8000", or [255, 128, 0],', (str, list), _color, _hex)
FOCUS = ValueType("two numbers from 0 to 1, such as [0.5, 0.3],", (list, str), _focus, list)
MASK = ValueType('a text such as "auto" or "1,80,3"', (str,), Sharpen.parse)
MEGAPIXELS = ValueType("a number of megapixels, such as 200,", (int, float), _pixels, _megapixels)
QUALITY = ValueType(
    "a number from 1 to 100, or a table such as { jpeg = 80, webp = 78 },", (int, str, dict), _quality, _qualities
)
SCALE = ValueType("a number of per cent, or two as in [50, 25],", (int, float, list), _scale, _percent)
