"""The parsed command line as typed values, and the recipe and settings that follow from it."""

import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any, Self

import click
from msgspec import Struct
from msgspec.structs import replace

from forkresize.batch import Settings
from forkresize.cli.config.precedence import REQUIRES
from forkresize.cli.options.model import flag
from forkresize.plan import IfExists
from forkresize.pool import PoolOptions
from forkresize.recipe import OPTIONS, Recipe
from forkresize.walk import Selection


class Arguments(Struct, frozen=True, kw_only=True):
    """The values of all options. Those without a comment are named like their option.

    Attributes:
        sources: the directories and files to read.
        destination: the directory to write to; empty if there is none.
        given: names of the options that were set on the command line, in the environment or in a file.
        recipe_options: the values of the options that a recipe file replaces.
        settings: the settings of the run, without the names of ``--files-from``.
        force_conflict: the value of ``--if-exists`` that contradicts ``--force``, if any.
    """

    sources: tuple[str, ...]
    destination: str
    given: frozenset[str]
    recipe_options: Mapping[str, Any]
    recipe: str | None
    settings: Settings
    force_conflict: IfExists | None
    files_from: str | None
    null: bool
    watch: bool
    progress: str
    quiet: bool
    verbose: int
    as_json: bool
    report: tuple[str, ...]
    log_file: str | None
    log_level: str
    log_format: str
    metrics_file: str | None
    manifest: str | None
    srcset: str | None

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Return the arguments for the values that the parser found.

        Raises:
            UsageError: a glob is malformed.
            FieldError: a value is out of range.
        """
        conflict = values["force"] and "if_exists" in values["given"] and values["if_exists"] is not IfExists.OVERWRITE
        own = {
            "destination": values["destination"] or "",
            "given": frozenset(values["given"]),
            "recipe_options": _only(OPTIONS, values),
            "settings": _settings(values),
            "force_conflict": values["if_exists"] if conflict else None,
        }
        return cls(**_only(cls.__struct_fields__, values) | own)

    @property
    def dry_run(self) -> bool:
        """Whether the run only prints what it would do."""
        return self.settings.dry_run

    @property
    def is_interactive(self) -> bool:
        """Whether someone reads status messages."""
        return not self.quiet and (self.verbose > 0 or sys.stderr.isatty())

    def resolve_in_place(self) -> Self:
        """Return the arguments with the one directory of ``--in-place`` as both source and destination.

        Raises:
            click.UsageError: there is not exactly one directory.
        """
        if not self.settings.in_place:
            return self
        if self.sources or not self.destination:
            raise click.UsageError("--in-place: specify one directory as SOURCE, and no DESTINATION")
        return replace(self, sources=(self.destination,))


def _settings(values: Mapping[str, Any]) -> Settings:
    pool = _only(PoolOptions.__struct_fields__, values) | {"timeout": values["timeout"] or None, "sandbox": None}
    own = {
        "selection": Selection(**_only(Selection.__struct_fields__, values)),
        "files_from": None,
        "pool": PoolOptions(**pool | {"workers": values["workers"] or None}),
        "serial": values["workers"] == 0,
        "if_exists": IfExists.OVERWRITE if values["force"] else values["if_exists"],
        "max_duration": values["max_duration"] or None,
    }
    return Settings(**_only(Settings.__struct_fields__, values) | own)


def _only(names: Iterable[str], values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in names if name in values}


def recipe_from(arguments: Arguments) -> Recipe:
    """Return the recipe of a file, or of the options.

    Raises:
        click.UsageError: there is nothing to do, or options contradict each other.
        UsageError: the recipe file is invalid.
        FieldError: a value is out of range.
    """
    recipe = _from_options(arguments) if arguments.recipe is None else _from_file(arguments.recipe, arguments)
    if recipe.is_noop:
        raise click.UsageError("nothing to do: specify --width, --format, --quality or another output option")
    return recipe


def _from_options(arguments: Arguments) -> Recipe:
    options = arguments.recipe_options
    for name in sorted(arguments.given & REQUIRES.keys() & options.keys()):
        if all(options[other] is None for other in REQUIRES[name]):
            raise click.UsageError(f"{flag(name)} requires {' or '.join(map(flag, REQUIRES[name]))}")
    # Paths are absolute, so that a recipe file made of these options works from any directory.
    files = [name for name, option in OPTIONS.items() if option.declaration.is_path]
    return Recipe.of(**{**options, **{name: options[name] and os.path.abspath(options[name]) for name in files}})


def _from_file(path: str, arguments: Arguments) -> Recipe:
    from forkresize.recipefile import load_recipe

    both = sorted(arguments.given & arguments.recipe_options.keys())
    if both:
        raise click.UsageError(f"--recipe cannot be combined with {flag(both[0])}: set it in the recipe file")
    return load_recipe(path)
