"""Values as people write them on a command line: words, numbers, sizes, durations, times, shares."""

import os
import re
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

import click
from msgspec import Meta

from forkresize.plan import Shard
from forkresize.recipe.declaration import parse_text
from forkresize.recipe.notations import parse_bytes
from forkresize.words import find_word, one_of

if TYPE_CHECKING:
    from forkresize.batch import MaxErrors, MaxPrune
    from forkresize.ledger import LedgerUrl

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}

_SECOND = 10**9


class Level(click.IntRange):
    """How often a flag was given. In the environment, a number or a boolean."""

    def __init__(self) -> None:
        super().__init__(min=0)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number; 1 for yes."""
        if isinstance(value, str) and not value.strip().isdecimal():
            return int(click.BOOL.convert(value, param, ctx))
        return int(super().convert(value, param, ctx))


class WordChoice(click.Choice[str]):
    """One of several words, which a function may convert."""

    def __init__(self, words: Iterable[str], parse: Callable[[str], Any] = str) -> None:
        super().__init__(tuple(words))
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return what the function makes of the word."""
        word = find_word(str(value), self.choices)
        if word is None:
            self.fail(f"invalid value {str(value)!r}: use {one_of(str(value), self.choices)}", param, ctx)
        return self._parse(word)


def enum_choice(kind: type[StrEnum]) -> WordChoice:
    """Return the type of the words of an enumeration, converted to its members."""
    return WordChoice([word.value for word in kind], kind)


class ParsedText(click.ParamType[Any]):
    """A value that a function parses; the message of its ValueError says what is accepted.

    Args:
        name: of the type.
        parse: the function.
        switches: whether a settings file may hold true or false instead.
    """

    def __init__(self, name: str, parse: Callable[[str], Any], *, switches: bool = False) -> None:
        self.name = name
        self.switches = switches
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the parsed value."""
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except ValueError as error:
            self.fail(getattr(error, "message", str(error)), param, ctx)


def whole(name: str, least: int, most: int | None = None) -> ParsedText:
    """Return the type of whole numbers in a range."""
    kind = Annotated[int, Meta(ge=least, le=most)]
    return ParsedText(name, lambda text: parse_text(kind, text))


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text, re.ASCII)
    if not found:
        raise ValueError(f"invalid duration {text!r}: use a number with an optional unit, for example 90s, 10m or 2h")
    return float(found[1]) * _UNITS[found[2]]


@cache
def start_time_ns() -> int:
    """Return when the run began: the time of the first call, so that all of a run refers to the same moment."""
    return time.time_ns()


def parse_timestamp(text: str) -> int:
    """Return a time in nanoseconds since the epoch.

    The text is an age (``2d``), or a date with or without a time (``2026-01-31T12:00``), local unless it has an
    offset, or the name of a file, for the time of its last modification.

    Raises:
        ValueError: the text has another form.
    """
    age = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)\s*([smhdw])", text, re.ASCII)
    if age:
        return start_time_ns() - round(float(age[1]) * _UNITS[age[2]] * _SECOND)
    try:
        return _date(text) if re.match(r"\d{4}-\d\d-\d\d([T ]|$)", text, re.ASCII) else os.stat(text).st_mtime_ns
    except (OSError, OverflowError, ValueError):
        raise ValueError(
            f"invalid time {text!r}: use a date such as 2026-01-31 or 2026-01-31T12:00, an age such as 2d, or a file"
        ) from None


def _date(text: str) -> int:
    moment = datetime.fromisoformat(text)
    # A float would be inexact from the seventh digit on.
    return int(moment.replace(microsecond=0).timestamp()) * _SECOND + moment.microsecond * 1000


def _memory(text: str) -> int:
    from forkresize.pool import MIN_MEMORY

    size = parse_bytes(text)
    if size < MIN_MEMORY:
        raise ValueError(f"invalid size {text!r}: use at least {MIN_MEMORY // 10**6}M, which one worker needs")
    return size


def _share(text: str, least: int) -> tuple[float, bool]:
    """Return a number, and whether it is a percentage."""
    found = re.fullmatch(r"(\d{1,9})(%?)", text, re.ASCII)
    if not found or int(found[1]) < least:
        raise ValueError(f"invalid value {text!r}: use a number such as 10, or a percentage such as 5%")
    return float(found[1]), bool(found[2])


def _max_errors(text: str) -> "MaxErrors":
    from forkresize.batch import MaxErrors

    number, percent = _share(text, 1)
    return MaxErrors(number, percent=percent)


def _max_prune(text: str) -> "MaxPrune":
    from forkresize.batch import MaxPrune

    number, percent = _share(text, 0)
    return MaxPrune(number, percent=percent)


def _ledger(text: str) -> "LedgerUrl | bool":
    from forkresize.ledger import parse_ledger

    return parse_ledger(text)


def _header(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not re.fullmatch(r"[A-Za-z0-9_-]+", name) or not (value.isascii() and value.isprintable()):
        raise ValueError(f"invalid header {text!r}: use NAME=VALUE, with letters, digits and hyphens in the name")
    return name, value


BYTES = ParsedText("size", parse_bytes)
DURATION = ParsedText("time", _seconds)
HEADER = ParsedText("name=value", _header)
LEDGER = ParsedText("url", _ledger, switches=True)
MAX_ERRORS = ParsedText("n|n%", _max_errors)
MAX_PRUNE = ParsedText("n|n%", _max_prune)
MEMORY = ParsedText("size", _memory)
TIMESTAMP = ParsedText("timestamp", parse_timestamp)
SHARD = ParsedText("k/n", Shard.parse)
