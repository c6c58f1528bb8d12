"""The command whose defaults come from settings files, which are read when an option first asks for its default."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import click
from click.core import ParameterSource

from forkresize.cli.config.files import FileSettings, read_settings
from forkresize.cli.config.origin import DEFAULT, FLAG, Origin, Origins, Precedence
from forkresize.cli.info.help import full_help
from forkresize.cli.options.catalog import PANELS
from forkresize.cli.options.model import Option

BY_KEY: Mapping[str, Option] = {option.key: option for options in PANELS.values() for option in options}
"""All options, by their keys in a settings file."""

_ARGUMENTS = "forkresize.arguments"

_BY_FIELD = {option.field: option for option in BY_KEY.values()}


class FileDefaults(Mapping[str, Any]):
    """The values in settings files, by field, in the shape of click's ``default_map``.

    The files are read when click first looks up an option that they may set. By then it has parsed the eager options,
    ``--config`` and ``--preset`` among them, and has handled those that print and exit; files cannot break these.
    """

    def __init__(self, ctx: click.Context) -> None:
        """Create the defaults of a command that is being parsed."""
        self._ctx = ctx

    @cached_property
    def settings(self) -> FileSettings:
        """The settings in the files.

        Raises:
            TomlFileError: a file cannot be read, or holds an unknown key.
            FieldError: there is no such preset.
        """
        config, preset = (self._ctx.params.get(field) for field in ("config", "preset"))
        return read_settings(_text(config), _text(preset), BY_KEY)

    def __getitem__(self, field: str) -> Any:
        if field not in _BY_FIELD or not _BY_FIELD[field].in_files:
            raise KeyError(field)
        return self.settings.values[field]

    def __iter__(self) -> Iterator[str]:
        return iter(self.settings.values)

    def __len__(self) -> int:
        return len(self.settings.values)


def _text(value: object) -> str | None:
    # While it parses, click uses a sentinel for options that are not set.
    return value if isinstance(value, str) else None


class SettingsCommand(click.Command):
    """A command whose options can also be set in files; its help shows the defaults without them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments; other options are looked up in the environment, then in the files."""
        ctx.meta[_ARGUMENTS] = tuple(args)
        if not ctx.resilient_parsing:
            ctx.default_map = FileDefaults(ctx)  # type: ignore[assignment] # click only reads it
        return super().parse_args(ctx, args)

    def get_help(self, ctx: click.Context) -> str:
        """Return the help, which does not depend on files."""
        ctx.default_map = None
        return full_help(ctx)


def flags_in(ctx: click.Context) -> Mapping[str, Any]:
    """Return the options on the command line as they were written, by field; click keeps only the parsed values."""
    parser = ctx.command.make_parser(click.Context(ctx.command))
    return parser.parse_args(list(ctx.meta[_ARGUMENTS]))[0]


def origin_in(ctx: click.Context, field: str) -> Origin:
    """Return where the value of a field came from, if it was parsed already."""
    files: Any = ctx.default_map
    match ctx.get_parameter_source(field):
        case ParameterSource.COMMANDLINE:
            return FLAG
        case ParameterSource.ENVIRONMENT:
            return Origin(Precedence.ENVIRONMENT, str(_BY_FIELD[field].variable))
        case ParameterSource.DEFAULT_MAP:
            origin: Origin = files.settings.origins[field]
            return origin
        case _:
            return DEFAULT


def origins_in(ctx: click.Context) -> Origins:
    """Return where the values of all options came from, by field."""
    return {field: origin_in(ctx, field) for field in _BY_FIELD if field in ctx.params}


def builtin_value(ctx: click.Context, field: str) -> Any:
    """Return the default of an option."""
    param = next(param for param in ctx.command.params if param.name == field)
    default = _BY_FIELD[field].attributes.get("default")
    if default is None and _BY_FIELD[field].attributes.get("is_flag"):
        return False
    return param.type_cast_value(ctx, default)
