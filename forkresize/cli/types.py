"""Values as people write them on a command line: durations, colors, qualities, rules. Knows no option by name."""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import click

from forkresize.cli.info.help import PanelOption
from forkresize.cli.timestamps import parse_timestamp
from forkresize.plan import Shard
from forkresize.recipe import DEFAULT_QUALITY, MAX_SIDE, RGBA, Format
from forkresize.recipe.options import KEEP
from forkresize.recipe.quantity import parse_bytes
from forkresize.walk import Rule

if TYPE_CHECKING:
    from forkresize.batch import MaxErrors, MaxPrune

RULES = "forkresize.rules"
"""Where the context keeps the rules of --include and --exclude in the order they were given."""

Word = TypeVar("Word", bound=StrEnum)

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}


class EnumChoice(click.Choice[str], Generic[Word]):
    """One of the words of an enumeration, given back as its member."""

    def __init__(self, kind: type[Word]) -> None:
        super().__init__([word.value for word in kind])
        self._kind = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the member."""
        return self._kind(super().convert(str(value), param, ctx))


class ParsedText(click.ParamType[Any]):
    """A value that a function makes of its text; the function's ValueError says what would do."""

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return what the function makes of it."""
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except ValueError as error:
            self.fail(f"{value!r} {error}", param, ctx)


def _color(text: str) -> RGBA:
    from forkresize.image.color.css import parse_color

    try:
        return parse_color(text)
    except ValueError as error:
        raise ValueError(str(error).removeprefix(f"{text!r} ")) from None


def _whole(least: int, most: int | None = None) -> Callable[[str], int]:
    span = f"from {least} to {most}" if most is not None else f"of at least {least}"

    def parse(text: str) -> int:
        if not re.fullmatch(r"\d+", text, re.ASCII) or int(text) < least or (most is not None and int(text) > most):
            raise ValueError(f"is not a whole number {span}")
        return int(text)

    return parse


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text, re.ASCII)
    if not found:
        raise ValueError("is no duration; 90s, 10m and 2h are")
    return float(found[1]) * _UNITS[found[2]]


def _pixels(text: str) -> int:
    if not re.fullmatch(r"\d+(\.\d+)?", text, re.ASCII) or float(text) * 1e6 < 1:
        raise ValueError("is no number of megapixels, such as 200 or 0.5")
    return round(float(text) * 1e6)


def _several_pixels(text: str) -> tuple[int, ...]:
    one = _whole(1, MAX_SIDE)
    return tuple(one(part) for part in text.split(","))


def _formats(text: str) -> tuple[str, ...]:
    names = tuple(text.lower().split(","))
    for name in names:
        if name not in {KEEP, *Format}:
            raise ValueError(f"names {name!r}; there are {KEEP}, {', '.join(Format)}")
    if len(set(names)) < len(names):
        raise ValueError("has one format twice")
    return names


def _number(text: str) -> float:
    if not re.fullmatch(r"-?(\d+\.?\d*|\.\d+)", text, re.ASCII):
        raise ValueError("is not a number")
    return float(text)


def _memory(text: str) -> int:
    from forkresize.pool import MIN_MEMORY

    size = parse_bytes(text)
    if size < MIN_MEMORY:
        raise ValueError(f"is not enough for a single worker; {MIN_MEMORY // 10**6}M is the least")
    return size


def _quality(text: str) -> int | Mapping[str, int]:
    one = _whole(1, 100)
    if "=" not in text:
        return one(text)
    pairs = [part.partition("=") for part in text.split(",")]
    for output, _, _ in pairs:
        if output not in DEFAULT_QUALITY:
            raise ValueError(f"names {output!r}; {', '.join(DEFAULT_QUALITY)} have a quality")
    return {output: one(number) for output, _, number in pairs}


def _max_errors(text: str) -> "MaxErrors":
    from forkresize.batch import MaxErrors

    found = re.fullmatch(r"(\d+)(%?)", text, re.ASCII)
    if not found or int(found[1]) < 1:
        raise ValueError("is neither a number of failures, such as 10, nor a share, such as 5%")
    return MaxErrors(float(found[1]), percent=bool(found[2]))


def _max_prune(text: str) -> "MaxPrune":
    from forkresize.batch import MaxPrune

    found = re.fullmatch(r"(\d+)(%?)", text, re.ASCII)
    if not found:
        raise ValueError("is neither a number of outputs, such as 10, nor a share, such as 5%")
    return MaxPrune(float(found[1]), percent=bool(found[2]))


def whole(name: str, least: int, most: int | None = None) -> ParsedText:
    """Return the type of whole numbers in a range."""
    return ParsedText(name, _whole(least, most))


BYTES = ParsedText("size", parse_bytes)
COLOR = ParsedText("color", _color)
DURATION = ParsedText("time", _seconds)
FORMATS = ParsedText("formats", _formats)
MAX_ERRORS = ParsedText("n|n%", _max_errors)
MAX_PRUNE = ParsedText("n|n%", _max_prune)
MEMORY = ParsedText("size", _memory)
MEGAPIXELS = ParsedText("mp", _pixels)
TIMESTAMP = ParsedText("moment", parse_timestamp)
NUMBER = ParsedText("number", _number)
PERCENT = ParsedText("percent", lambda text: _number(text.removesuffix("%")))
PIXELS = ParsedText("px", _several_pixels)
QUALITY = ParsedText("quality", _quality)
SHARD = ParsedText("k/n", Shard.parse)


class RuleOption(PanelOption):
    """--include or --exclude: which comes first matters between the two, and click keeps order only within one."""

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        """Have the parser note each rule where all of them are kept."""
        super().add_to_parser(parser, ctx)
        for name in self.opts:
            option = parser._long_opt[name]  # noqa: SLF001 (click tells the order of options nowhere else)
            option.process = self._noting(option.process, ctx)

    def _noting(self, process: Callable[[Any, Any], None], ctx: click.Context) -> Callable[[Any, Any], None]:
        def note(value: Any, state: Any) -> None:
            ctx.meta.setdefault(RULES, []).append(Rule(include=self.name == "include", pattern=value))
            process(value, state)

        return note
