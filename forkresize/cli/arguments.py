"""From the command line's values to a Recipe and Settings. Refuses what contradicts itself; starts nothing."""

import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import ExitStack
from typing import IO, Any

import click

from forkresize.batch import Settings
from forkresize.cli.config.precedence import REQUIRES
from forkresize.cli.observers import index_files
from forkresize.cli.reports import check_formats, report_files
from forkresize.cli.watch import check_watch_conflicts
from forkresize.errors import UsageError
from forkresize.ledger import IfExists
from forkresize.pool import PoolOptions
from forkresize.recipe import OPTIONS, Recipe
from forkresize.walk import Selection, read_names

RECIPE = tuple(OPTIONS)
"""The options that a recipe file says instead."""

_SELECTION = ("recursive", "max_depth", "rules", "hidden", "symlinks", "newer_than", "min_size", "max_size")
_POOL = ("workers", "retries", "max_tasks", "memory", "nice")
_SETTINGS = ("name", "flat", "on_collision", "dry_run", "sandbox", "max_errors", "order", "strict", "error_on_empty")
_CONTROL = ("lock_wait", "shard")
_REPEAT = ("compare", "retry_failed", "ledger", "prune", "max_prune", "in_place", "backup_dir", "preserve_times")


def resolve_in_place(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with the one directory that is worked on in place as both source and destination.

    Raises:
        click.UsageError: there is more than one.
    """
    if not values["in_place"]:
        return dict(values)
    if values["sources"] or values["destination"] is None:
        raise click.UsageError("--in-place: give one directory as SOURCE, and no DESTINATION.")
    return {**values, "sources": (values["destination"],)}


def check_conflicts(values: Mapping[str, Any]) -> None:
    """Refuse values that contradict each other, or lack what they speak of.

    Raises:
        click.UsageError: they do.
        UsageError: a list of outputs would replace another file, or lie in no directory.
        DestinationError: a list of outputs can't be written.
    """
    if values["quiet"] and values["verbose"]:
        raise click.UsageError("--quiet and --verbose contradict each other.")
    if values["quiet"] and values["progress"] in {"rich", "tqdm"}:
        raise click.UsageError(f"--quiet and --progress {values['progress']} contradict each other.")
    if values["force"] and "if_exists" in values["given"] and values["if_exists"] is not IfExists.OVERWRITE:
        raise click.UsageError(f"--force and --if-exists {values['if_exists']} contradict each other.")
    _check_sources(values)
    check_watch_conflicts(values)
    check_formats(values)
    _check_indexes(values)


def _check_sources(values: Mapping[str, Any]) -> None:
    if values["null"] and values["files_from"] is None:
        raise click.UsageError("--null tells how --files-from is to be read, which is missing.")
    if values["files_from"] is not None and len(values["sources"]) > 1:
        raise click.UsageError("--files-from: its names lie below one SOURCE; more than one was given.")
    if values["destination"] is None or (values["files_from"] is None and not values["sources"]):
        raise click.UsageError("Give a SOURCE and a DESTINATION, or --files-from and a DESTINATION.")


def _check_indexes(values: Mapping[str, Any]) -> None:
    met = report_files(values)
    for listing in index_files(values):
        name, other = listing.format.name, met.setdefault(os.path.realpath(listing.path), listing.format.name)
        if other != name:
            raise click.UsageError(f"--{name} and --{other} name one file, {listing.path!r}.")
        listing.check(values["destination"])


def recipe_from(values: Mapping[str, Any], given: AbstractSet[str]) -> Recipe:
    """Return what to make of every picture.

    Args:
        values: of all options.
        given: the names of those that were given, and not left at their default.

    Raises:
        click.UsageError: nothing is asked for, or it is asked for in two ways.
        UsageError: the recipe file is wrong.
        FieldError: a value is out of its range.
    """
    if values["recipe"] is None:
        _check_requirements(given, values)
        # A recipe file may lie anywhere, and so may the one that is made of this.
        files = [name for name, option in OPTIONS.items() if option.declaration.is_path]
        paths = {name: values[name] and os.path.abspath(values[name]) for name in files}
        recipe = Recipe.of(**{name: values[name] for name in RECIPE} | paths)
    else:
        recipe = _from_file(values["recipe"], given)
    if recipe.is_noop:
        raise click.UsageError("nothing to do: specify --width, --format, --quality or another output option")
    return recipe


def _check_requirements(given: AbstractSet[str], values: Mapping[str, Any]) -> None:
    for name in sorted(given & (REQUIRES.keys() - {"null"})):
        if all(values[other] is None for other in REQUIRES[name]):
            others = " or ".join(f"--{other.replace('_', '-')}" for other in REQUIRES[name])
            raise click.UsageError(f"--{name.replace('_', '-')} requires {others}")


def _from_file(path: str, given: AbstractSet[str]) -> Recipe:
    from forkresize.recipefile import load_recipe

    both = sorted(given & set(RECIPE))
    if both:
        option = both[0].replace("_", "-")
        raise click.UsageError(f"--recipe says all there is to make, and --{option} contradicts it.")
    return load_recipe(path)


def settings_from(values: Mapping[str, Any], stack: ExitStack) -> Settings:
    """Return how to run; what has to be closed afterwards goes on the stack.

    Raises:
        UsageError: a glob is malformed.
    """
    pool = PoolOptions(timeout=values["timeout"] or None, **_only(_POOL, values))
    selection = Selection(**_only(_SELECTION, values))
    names = _names(values["files_from"], stack, nul=values["null"])
    if_exists = IfExists.OVERWRITE if values["force"] else values["if_exists"]
    settings = _only((*_SETTINGS, *_CONTROL, *_REPEAT), values) | {"max_duration": values["max_duration"] or None}
    return Settings(selection=selection, files_from=names, pool=pool, if_exists=if_exists, **settings)


def _only(fields: Iterable[str], values: Mapping[str, Any]) -> dict[str, Any]:
    return {field: values[field] for field in fields}


def _names(path: str | None, stack: ExitStack, *, nul: bool) -> Callable[[], Iterator[str]] | None:
    """Return what reads the names from the start each time; what can be read but once is copied first."""
    if path is None:
        return None
    if path == "-" or not os.path.isfile(path):
        path = _copied(path, stack)

    def read() -> Iterator[str]:
        with open(path, "rb") as lines:
            yield from read_names(lines, nul)

    return read


def _copied(path: str, stack: ExitStack) -> str:
    copy = stack.enter_context(tempfile.NamedTemporaryFile(prefix="forkresize-names-"))  # noqa: SIM115 (the stack)
    with click.open_file(path, "rb") as names:
        if _is_endless(names):
            raise UsageError(f"--files-from: {path!r} is a device, which may have no end")
        shutil.copyfileobj(names, copy)
    copy.flush()
    return copy.name


def _is_endless(file: IO[bytes]) -> bool:
    """Whether it is a device that may go on for ever, such as ``/dev/zero``; terminals end, and ``/dev/null`` does."""
    try:
        found = os.fstat(file.fileno())
    except OSError:
        return False  # No file of the system's, as when another program stands in for standard input.
    return stat.S_ISCHR(found.st_mode) and not file.isatty() and found.st_rdev != os.stat(os.devnull).st_rdev
