"""Error messages of the command line: they name the flag, or the variable, or the file, line and key of a value."""

import re

import click

from forkresize.cli.config.command import BY_KEY, origin_in
from forkresize.cli.config.origin import DEFAULT, Origins, Precedence
from forkresize.cli.options.model import flag
from forkresize.errors import (
    CollisionError,
    ConflictError,
    DestinationBusyError,
    FieldError,
    ForkresizeError,
    LedgerError,
    NoEffectError,
    RunActiveError,
)
from forkresize.words import closest_words

_OPTION = r"--([a-z][a-z-]*)"

_PLAIN = {Precedence.FLAG, Precedence.DEFAULT}
"""Places that need no mention."""


_ADVICE: dict[type[ForkresizeError], str] = {
    CollisionError: "use --on-collision suffix or skip, or --name {name}",
    DestinationBusyError: "use --lock-wait to wait for it",
    LedgerError: "or use --no-ledger",
}
"""Options that help after an error, which says nothing of options itself."""

_ARGUMENTS = {"sources": "SOURCE", "destination": "DESTINATION", "allow_http": "plain HTTP"}

_REASONS = {"in_place": ": each source is replaced by its one output"}
"""Why an option cannot be combined with others."""


def click_message(error: click.ClickException, origins: Origins) -> str:
    """Return the message of an error of click; an invalid value is reported with the place that sets it.

    Args:
        error: click's.
        origins: of the values that were parsed.
    """
    if isinstance(error, click.NoSuchOption):
        return _unknown_option(error)
    if not isinstance(error, click.BadParameter) or error.ctx is None or error.param is None:
        return _with_places(error.format_message(), origins)
    option = next((option for option in BY_KEY.values() if option.field == error.param.name), None)
    if option is None:
        return error.format_message()
    origin = origin_in(error.ctx, option.field)
    place = (f"--{option.key}",) if origin.strength in _PLAIN else (origin.place, origin.key)
    return ": ".join(part for part in (*place, error.message) if part)


def _unknown_option(error: click.NoSuchOption) -> str:
    """Return a message with the options whose names are close, without the hyphens that all of them share."""
    known = [name.removeprefix("--") for option in BY_KEY.values() for name in option.flags if name.startswith("--")]
    name = error.option_name.removeprefix("--")
    close = " or ".join(f"--{each}" for each in closest_words(name, [*known, "help", "version"]))
    return f"unknown option {error.option_name}{f'; did you mean {close}?' if close else ''}"


def own_message(error: ForkresizeError, origins: Origins) -> str:
    """Return the message of an error of forkresize, with the places that set the options in it.

    Args:
        error: its own.
        origins: of the values that were parsed.
    """
    if isinstance(error, ConflictError):
        reason = _REASONS.get(error.field, "")
        return _with_places(f"{flag(error.field)} cannot be combined with {flag(error.other)}{reason}", origins)
    if isinstance(error, NoEffectError):
        name = f"{flag(error.field)} {error.value}".strip()
        needed = error.join_requirements(lambda field, word: f"{flag(field)} {word}".strip())
        return _with_places(f"{name} requires {needed}", origins)
    if isinstance(error, FieldError):
        name = _ARGUMENTS.get(error.field) or flag(error.field)
        return _with_places(f"{name}: {error.message}", origins)
    if isinstance(error, RunActiveError):
        return f"{error}\nuse --lock-wait to wait for it, or --attach {error.run} to follow it"
    return "\n".join([str(error), *(advice for kind, advice in _ADVICE.items() if isinstance(error, kind))])


def _with_places(message: str, origins: Origins) -> str:
    """Return a message with a line for each option in it that was set elsewhere than on the command line."""
    keys = dict.fromkeys(key for key in re.findall(_OPTION, message) if key in BY_KEY)
    found = {key: origins.get(BY_KEY[key].field, DEFAULT) for key in keys}
    places = [f"--{key} is set by {origin.place}" for key, origin in found.items() if origin.strength not in _PLAIN]
    return "\n".join([message, *places])
