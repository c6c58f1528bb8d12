"""The parsed command line as typed values, and the recipe and settings that follow from it."""

import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any, Self

import click
from msgspec import Struct
from msgspec.structs import replace

from forkresize.batch import Settings
from forkresize.cli.options.model import flag
from forkresize.errors import NoEffectError
from forkresize.plan import IfExists, has_picture_suffix, recipe_for_file
from forkresize.pool import PoolOptions
from forkresize.recipe import OPTIONS, Recipe
from forkresize.urls import is_url
from forkresize.walk import Selection


class Arguments(Struct, frozen=True, kw_only=True):
    """The values of all options. Those without a comment are named like their option.

    Attributes:
        sources: the directories and files to read.
        destination: the directory to write to; empty if there is none.
        given: names of the options that were set on the command line, in the environment or in a file.
        flags: names of those that were set on the command line.
        places: the URLs of reports, logs and index files that are written to these paths and uploaded.
        output_file: the one output, if DESTINATION named it; empty otherwise.
        ineffective: an error for each flag that has no effect, but those of a recipe.
        recipe_options: the values of the options of a recipe.
        settings: the settings of the run, without the names of ``--files-from``.
        force_conflict: the value of ``--if-exists`` that contradicts ``--force``, if any.
        command: the arguments as they were given.
    """

    sources: tuple[str, ...]
    destination: str
    given: frozenset[str]
    flags: frozenset[str]
    ineffective: tuple[NoEffectError, ...]
    recipe_options: Mapping[str, Any]
    recipe: str | None
    settings: Settings
    force_conflict: IfExists | None
    files_from: str | None
    null: bool
    watch: bool
    cluster: str | None
    cluster_key: str | None
    detach: bool
    attach: int | None
    progress: str
    quiet: bool
    verbose: int
    as_json: bool
    report: tuple[str, ...]
    log_file: str | None
    log_level: str
    log_format: str
    metrics_file: str | None
    warnings: str
    manifest: str | None
    srcset: str | None
    places: Mapping[str, str] = {}
    output_file: str = ""
    command: tuple[str, ...] = ()

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
    def overrides(self) -> list[str]:
        """The names of the options on top of a recipe file."""
        return sorted(self.given & self.recipe_options.keys()) if self.recipe is not None else []

    @property
    def dry_run(self) -> bool:
        """Whether the run only prints what it would do."""
        return self.settings.dry_run

    @property
    def is_remote(self) -> bool:
        """Whether a source or the destination is in an object store."""
        places = (*self.sources, self.destination)
        return any(is_url(each) and not each.lower().startswith("file:") for each in places)

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

    def resolve_output_file(self) -> Self:
        """Return the arguments with a DESTINATION that names the output of one file as a directory and a name.

        There is no ledger: its directory is not one of outputs. An existing output is replaced, unless an option says
        what to do about it.

        Raises:
            click.UsageError: a flag applies to directories only.
        """
        if not self._names_output_file():
            return self
        for name in ("name", "flat", "prune", "watch"):
            if name in self.flags:
                raise click.UsageError(f"{flag(name)} requires a directory as DESTINATION, not {self.destination!r}")
        folder, name = os.path.split(self.destination)
        if_exists = self.settings.if_exists if "if_exists" in self.given else IfExists.OVERWRITE
        template = name.replace("{", "{{").replace("}", "}}")
        settings = replace(self.settings, name=template, flat=False, prune=False, ledger=False, if_exists=if_exists)
        return replace(self, destination=folder or ".", output_file=self.destination, settings=settings)

    def resolve_shared_paths(self) -> Self:
        """Return the arguments with absolute paths if the run is one of a cluster, whose nodes have the same paths."""
        if self.cluster is None:
            return self
        sources = tuple(source if is_url(source) else os.path.abspath(source) for source in self.sources)
        destination = self.destination if is_url(self.destination) else os.path.abspath(self.destination)
        return replace(self, sources=sources, destination=destination)

    def _names_output_file(self) -> bool:
        """Return whether the source is one file, and the destination ends like the file name of a picture."""
        if self.settings.in_place or self.files_from is not None or len(self.sources) != 1:
            return False
        is_new = has_picture_suffix(self.destination) and not os.path.isdir(self.destination)
        source = self.sources[0]
        return is_new and (has_picture_suffix(source) if is_url(source) else os.path.isfile(source))


def _settings(values: Mapping[str, Any]) -> Settings:
    pool = _only(PoolOptions.__struct_fields__, values) | {"timeout": values["timeout"] or None, "sandbox": None}
    own = {
        "selection": Selection(**_only(Selection.__struct_fields__, values)),
        "files_from": None,
        "pool": PoolOptions(**pool | {"workers": values["workers"] or None}),
        "serial": values["workers"] == 0,
        "if_exists": IfExists.OVERWRITE if values["force"] else values["if_exists"],
        "max_duration": values["max_duration"] or None,
        "metadata_header": dict(values["metadata_header"]),
        "error_on_loss": values["warnings"] == "fail",
    }
    return Settings(**_only(Settings.__struct_fields__, values) | own)


def _only(names: Iterable[str], values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in names if name in values}


def recipe_from(arguments: Arguments) -> Recipe:
    """Return the recipe of a file with the options on top of it, or of the options alone.

    Raises:
        click.UsageError: there is nothing to do, or options contradict each other.
        UsageError: the recipe file is invalid.
        NoEffectError: a flag has no effect on the recipe.
        FieldError: a value is out of range.
    """
    recipe = _from_options(arguments) if arguments.recipe is None else _from_file(arguments.recipe, arguments)
    if arguments.output_file:
        recipe = recipe_for_file(recipe, arguments.sources[0], arguments.output_file)
    if recipe.is_noop:
        raise click.UsageError("nothing to do: specify --width, --format, --quality or another output option")
    return recipe


def _from_options(arguments: Arguments) -> Recipe:
    return Recipe.from_options(_resolve_paths(arguments.recipe_options), effective=arguments.flags)


def _resolve_paths(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Make paths absolute, so that a recipe file made of these options works from any directory."""
    files = [name for name in options if OPTIONS[name].declaration.is_path]
    return {**options, **{name: options[name] and os.path.abspath(options[name]) for name in files}}


def _from_file(path: str, arguments: Arguments) -> Recipe:
    from forkresize.recipefile import load_recipe

    options = _only(arguments.overrides, arguments.recipe_options)
    return load_recipe(path).override(_resolve_paths(options), effective=arguments.flags)
