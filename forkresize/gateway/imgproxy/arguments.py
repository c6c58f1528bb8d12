"""The arguments of one option in a URL: numbers, words, colors and gravities, as imgproxy writes them."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

from forkresize.errors import FieldError
from forkresize.words import one_of

Value = TypeVar("Value")

_TRUE = frozenset({"1", "t", "T", "true", "True", "TRUE"})
_FALSE = frozenset({"0", "f", "F", "false", "False", "FALSE"})

_NUMBER = re.compile(r"-?(?:\d{1,15}\.?\d{0,15}|\.\d{1,15})", re.ASCII)
_INTEGER = re.compile(r"-?\d{1,15}", re.ASCII)
_COLOR = re.compile(r"[\da-fA-F]{3}|[\da-fA-F]{6}", re.ASCII)

_SHOWN = 40
"""Characters of a name or a value that a message shows."""

RGB = tuple[int, int, int]

FOCUS, SMART = "fp", "sm"

DIRECTIONS = ("ce", "no", "so", "ea", "we", "noea", "nowe", "soea", "sowe")


class GravityArgument(NamedTuple):
    """Where a part lies in a whole.

    Attributes:
        kind: one of ``DIRECTIONS``, ``FOCUS`` or ``SMART``.
        x: the focus from the left, 0 to 1; otherwise an offset in pixels, or below 1 as a share of the width.
        y: the same from the top.
    """

    kind: str = "ce"
    x: float = 0.0
    y: float = 0.0


class Arguments:
    """The arguments of an option.

    All methods raise a FieldError that names the option.

    Args:
        name: of the option, as it is written.
        texts: the arguments.
        usage: what is accepted.
    """

    def __init__(self, name: str, texts: Sequence[str], usage: str = "") -> None:
        self.name = name
        self.texts = texts
        self._usage = usage

    def __len__(self) -> int:
        return len(self.texts)

    def has(self, place: int) -> bool:
        """Return whether there is an argument, and it is not empty."""
        return place < len(self.texts) and self.texts[place] != ""

    def rest(self, start: int) -> "Arguments":
        """Return the arguments from one on."""
        return Arguments(self.name, self.texts[start:], self._usage)

    def limit(self, most: int, least: int = 1) -> None:
        """Check the number of arguments."""
        if not least <= len(self.texts) <= most:
            raise self.error(f"has {len(self.texts)} arguments: use {self._usage}")

    def only(self) -> str:
        """Return the single argument."""
        self.limit(1)
        return self.texts[0]

    def integer(self, place: int = 0, least: int = 0, most: int = 10**15) -> int:
        """Return a whole number."""
        text = self.texts[place]
        if not _INTEGER.fullmatch(text) or not least <= int(text) <= most:
            bounds = f"of at least {least}" if most == 10**15 else f"from {least} to {most}"
            raise self.invalid(place, f"a whole number {bounds}")
        return int(text)

    def number(self, place: int = 0, least: float = 0.0, most: float = 1e15) -> float:
        """Return a number in decimal notation."""
        text = self.texts[place]
        if not _NUMBER.fullmatch(text) or not least <= float(text) <= most:
            bounds = f"of at least {least:g}" if most >= 1e15 else f"from {least:g} to {most:g}"  # noqa: PLR2004
            raise self.invalid(place, f"a number {bounds}")
        return float(text)

    def factor(self, place: int = 0) -> float:
        """Return a number above zero."""
        found = self.number(place, 0.0, 1000.0)
        if found == 0:
            raise self.invalid(place, "a number above 0, up to 1000")
        return found

    def boolean(self, place: int = 0) -> bool:
        """Return a truth value."""
        text = self.texts[place]
        if text not in _TRUE | _FALSE:
            raise self.invalid(place, "1, t or true, or 0, f or false")
        return text in _TRUE

    def word(self, place: int, words: Mapping[str, Value]) -> Value:
        """Return what a word stands for."""
        text = self.texts[place]
        if text not in words:
            raise self.invalid(place, one_of(text, words))
        return words[text]

    def color(self, place: int = 0) -> RGB:
        """Return a color of three or six hexadecimal digits."""
        text = self.texts[place]
        if not _COLOR.fullmatch(text):
            raise self.invalid(place, "three or six hexadecimal digits, for example ff8000")
        digits = text if len(text) == len("RRGGBB") else "".join(digit * 2 for digit in text)
        red, green, blue = bytes.fromhex(digits)
        return red, green, blue

    def gravity(self, kinds: Sequence[str]) -> GravityArgument:
        """Return a gravity: its kind and, optionally, two offsets; a focus needs both of its numbers."""
        kind = self.word(0, {each: each for each in kinds})
        if kind == SMART:
            self.limit(1)
            return GravityArgument(kind)
        if kind == FOCUS:
            if len(self) != len(GravityArgument._fields):
                raise self.error("needs two numbers from 0 to 1 after fp, for example fp:0.5:0.3")
            return GravityArgument(kind, self.number(1, 0.0, 1.0), self.number(2, 0.0, 1.0))
        self.limit(len(GravityArgument._fields))
        x, y = (self.number(place, -1e6, 1e6) if self.has(place) else 0.0 for place in (1, 2))
        return GravityArgument(kind, x, y)

    def invalid(self, place: int, expected: str) -> FieldError:
        """Return the error of an argument."""
        text = self.texts[place]
        return self.error(f"invalid value {shorten(text)!r}: use {expected}")

    def error(self, message: str) -> FieldError:
        """Return an error of the option."""
        return FieldError(self.name, message)


def shorten(text: str) -> str:
    """Return a part of a URL as messages show it."""
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
