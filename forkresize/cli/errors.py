"""What is told of a value that can't be met: where it was set, if that was no flag. Judges no value."""

import re

import click

from forkresize.cli.config.command import BY_KEY, origin_in
from forkresize.cli.config.origin import DEFAULT, Origins, Precedence
from forkresize.errors import FieldError, ForkresizeError

_OPTION = re.compile(r"--([a-z][a-z-]*)")

_PLAIN = {Precedence.FLAG, Precedence.DEFAULT}
"""Places that a message about an option speaks of anyway."""


def click_message(error: click.ClickException, origins: Origins) -> str:
    """Return what click refuses; a bad value is told under the variable, or the file, line and key, that it stands in.

    Args:
        error: click's.
        origins: of all values, as far as they are known.
    """
    message = error.format_message()
    if not isinstance(error, click.BadParameter) or error.ctx is None or error.param is None:
        return _with_places(message, origins)
    option = next((option for option in BY_KEY.values() if option.field == error.param.name), None)
    origin = DEFAULT if option is None else origin_in(error.ctx, option.field)
    if origin.strength in _PLAIN:
        return message
    return ": ".join(part for part in (origin.place, origin.key, error.message) if part)


def own_message(error: ForkresizeError, origins: Origins) -> str:
    """Return what forkresize refuses, with the places that the options in it were set in.

    Args:
        error: its own.
        origins: of all values, as far as they are known.
    """
    if not isinstance(error, FieldError):
        return str(error)
    return _with_places(f"--{error.field.replace('_', '-')}: {error.message}", origins)


def _with_places(message: str, origins: Origins) -> str:
    """Return a message with a line for each option in it that was set elsewhere than on the command line."""
    named = dict.fromkeys(name for name in _OPTION.findall(message) if name in BY_KEY)
    places = {name: origins[field] for name in named if (field := BY_KEY[name].field) in origins}
    told = [f"--{name} is set by {origin.place}" for name, origin in places.items() if origin.strength not in _PLAIN]
    return "\n".join([message, *told])
