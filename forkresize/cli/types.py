"""Values as people write them on a command line: sizes, durations, dates, shares, rules. Knows no option by name."""

import re
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import click
from msgspec import Meta

from forkresize.cli.info.help import PanelOption
from forkresize.cli.timestamps import parse_timestamp
from forkresize.plan import Shard
from forkresize.recipe.declaration import parse_text
from forkresize.recipe.notations import parse_bytes
from forkresize.walk import Rule

if TYPE_CHECKING:
    from forkresize.batch import MaxErrors, MaxPrune

RULES = "forkresize.rules"
"""Where the context keeps the rules of --include and --exclude in the order in which they were given."""

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}


class WordChoice(click.Choice[str]):
    """One of several words, converted by a function."""

    def __init__(self, words: Iterable[str], parse: Callable[[str], Any]) -> None:
        super().__init__(tuple(words))
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return what the function makes of the word."""
        if str(value) not in self.choices:
            self.fail(f"invalid value {str(value)!r}: use one of {', '.join(self.choices)}", param, ctx)
        return self._parse(str(value))


def enum_choice(kind: type[StrEnum]) -> WordChoice:
    """Return the type of the words of an enumeration, converted to its members."""
    return WordChoice([word.value for word in kind], kind)


class ParsedText(click.ParamType[Any]):
    """A value that a function parses; the message of its ValueError says what is accepted."""

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        self.name = name
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


def _memory(text: str) -> int:
    from forkresize.pool import MIN_MEMORY

    size = parse_bytes(text)
    if size < MIN_MEMORY:
        raise ValueError(f"{text!r} is too little for one worker: use at least {MIN_MEMORY // 10**6}M")
    return size


def _share(text: str, least: int) -> tuple[float, bool]:
    """Return a number, and whether it is a percentage."""
    found = re.fullmatch(r"(\d+)(%?)", text, re.ASCII)
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


BYTES = ParsedText("size", parse_bytes)
DURATION = ParsedText("time", _seconds)
MAX_ERRORS = ParsedText("n|n%", _max_errors)
MAX_PRUNE = ParsedText("n|n%", _max_prune)
MEMORY = ParsedText("size", _memory)
TIMESTAMP = ParsedText("timestamp", parse_timestamp)
SHARD = ParsedText("k/n", Shard.parse)


class RuleOption(PanelOption):
    """--include or --exclude. Their order matters across both options, and click keeps it only within one."""

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        """Make the parser record each rule in the list of both options."""
        super().add_to_parser(parser, ctx)
        for name in self.opts:
            option = parser._long_opt[name]  # noqa: SLF001 (click gives the order of options nowhere else)
            option.process = self._recording(option.process, ctx)

    def _recording(self, process: Callable[[Any, Any], None], ctx: click.Context) -> Callable[[Any, Any], None]:
        def record(value: Any, state: Any) -> None:
            ctx.meta.setdefault(RULES, []).append(Rule(include=self.name == "include", pattern=value))
            process(value, state)

        return record
