"""Settings files: where they are, and the values in them and in their presets. Knows options only by their keys."""

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from forkresize.cli.config.origin import Origin, Origins, Precedence
from forkresize.cli.options.model import Option
from forkresize.errors import FieldError
from forkresize.words import suggest

if TYPE_CHECKING:
    from forkresize.tomlfile import Document, Path

PROJECT_FILE = "forkresize.toml"
"""The settings file of the working directory."""

PRESETS = "presets"
"""The table of presets, by name."""


class FileSettings(Struct, frozen=True):
    """The values in settings files.

    Attributes:
        values: by field, as on a command line.
        origins: where each value is set.
    """

    values: dict[str, Any] = field(default_factory=dict)
    origins: Origins = field(default_factory=dict)


def user_file() -> str:
    """Return the path of the user's own settings file, by the XDG Base Directory Specification."""
    home = os.environ.get("XDG_CONFIG_HOME", "")
    folder = home if os.path.isabs(home) else os.path.join(os.path.expanduser("~"), ".config")
    return os.path.join(folder, "forkresize", "config.toml")


def files(config: str | None) -> list[tuple[str, Precedence]]:
    """Return the settings files that exist, in ascending order of precedence.

    Args:
        config: the file of ``--config``, which replaces the others.
    """
    if config is not None:
        return [(config, Precedence.PROJECT)]
    both = ((user_file(), Precedence.USER), (PROJECT_FILE, Precedence.PROJECT))
    return [(name, strength) for name, strength in both if os.path.lexists(name)]


def read_settings(config: str | None, preset: str | None, options: Mapping[str, Option]) -> FileSettings:
    """Return the values in the settings files.

    Args:
        config: the file of ``--config``, which replaces the others.
        preset: the name of a preset, whose values override those above all tables.
        options: all options, by key.

    Raises:
        TomlFileError: a file cannot be read, or holds an unknown key; names line and key.
        FieldError: there is no such preset.
    """
    settings = FileSettings()
    found = files(config)
    if not found and preset is None:
        return settings
    from forkresize.tomlfile import read

    documents = [(read(name), strength) for name, strength in found]
    for document, strength in documents:
        _check_presets(document, options)
        top = {key: value for key, value in document.data.items() if key != PRESETS}
        _add(settings, _Table(document, (), top), strength, options)
    if preset is not None:
        _add_preset(settings, [document for document, _ in documents], preset, options)
    return settings


def preset_names(config: str | None) -> list[str]:
    """Return the names of all presets, in order.

    Raises:
        TomlFileError: a file cannot be read.
    """
    from forkresize.tomlfile import read

    tables = (read(name).data.get(PRESETS, {}) for name, _ in files(config))
    return sorted({name for table in tables if isinstance(table, dict) for name in table})


class _Table(Struct, frozen=True):
    document: "Document"
    path: "Path"
    data: Mapping[str, Any]

    def error(self, key: str, message: str) -> Exception:
        from forkresize.tomlfile import TomlValueError

        return self.document.error_at(TomlValueError((*self.path, key), message))

    def origin(self, key: str, strength: Precedence) -> Origin:
        from forkresize.tomlfile import format_key

        path = (*self.path, key)
        line = self.document.line_of(path)
        return Origin(strength, f"{self.document.name}:{line}", format_key(path), line)


def _add(settings: FileSettings, table: _Table, strength: Precedence, options: Mapping[str, Option]) -> None:
    from forkresize.cli.config.values import command_line_value

    folder = os.path.dirname(table.document.name)
    for key, option in _known(table, options):
        try:
            settings.values[option.field] = command_line_value(option, table.data[key], folder)
        except ValueError as error:
            raise table.error(key, str(error)) from None
        settings.origins[option.field] = table.origin(key, strength)


def _known(table: _Table, options: Mapping[str, Option]) -> Iterator[tuple[str, Option]]:
    """Yield each key of a table as it is spelled, with its option."""
    spelled: dict[str, str] = {}
    for key in table.data:
        name = key.replace("_", "-")
        if name not in options or not options[name].in_files:
            raise table.error(key, _unknown_key(name, options))
        if name in spelled:
            raise table.error(key, f"already set as {spelled[name]}")
        spelled[name] = key
        yield key, options[name]


def _unknown_key(name: str, options: Mapping[str, Option]) -> str:
    if name in options:
        return f"can only be set on the command line, as --{name}"
    opposed = next((key for key, option in options.items() if option.opposite == name), None)
    if opposed is not None:
        return f"unknown key; use {opposed} = false"
    alias = next((key for key, option in options.items() if f"--{name}" in option.aliases), None)
    if alias is not None:
        return f"unknown key; use {alias}"
    known = [key for key, option in options.items() if option.in_files] + [PRESETS]
    return f"unknown key{suggest(name, known) or '; the keys are the names of options'}"


def _check_presets(document: "Document", options: Mapping[str, Option]) -> None:
    """Refuse malformed presets, and unknown keys in all of them: their author wants to know at once."""
    presets = document.data.get(PRESETS, {})
    if not isinstance(presets, dict):
        raise _Table(document, (), {}).error(PRESETS, f"must be a table; start each preset with [{PRESETS}.NAME]")
    for name, preset in presets.items():
        if not isinstance(preset, dict):
            raise _Table(document, (PRESETS,), {}).error(name, f"must be a table; start it with [{PRESETS}.{name}]")
        for _ in _known(_Table(document, (PRESETS, name), preset), options):
            pass


def _add_preset(
    settings: FileSettings, documents: list["Document"], preset: str, options: Mapping[str, Option]
) -> None:
    holders = [document for document in documents if preset in document.data.get(PRESETS, {})]
    if not holders:
        names = sorted({name for document in documents for name in document.data.get(PRESETS, {})})
        known = f"the presets are: {', '.join(names)}" if names else "the settings files have no presets"
        advice = suggest(preset, names) or f"; {known}"
        raise FieldError("preset", f"unknown preset {preset!r}{advice}")
    for document in holders:
        table = _Table(document, (PRESETS, preset), document.data[PRESETS][preset])
        _add(settings, table, Precedence.PRESET, options)
