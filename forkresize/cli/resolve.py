"""From the command line's values to a Recipe and Settings. Refuses what contradicts itself; starts nothing."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import rich_click as click

from forkresize.batch import Settings
from forkresize.cli.options import KEEP
from forkresize.pool import PoolOptions
from forkresize.recipe import Format, Recipe
from forkresize.walk import Selection, read_names

_RECIPE = ("width", "height", "fit", "gravity", "enlarge", "resample", "quality", "background", "max_pixels")
_SELECTION = ("recursive", "max_depth", "rules", "hidden", "symlinks")
_SETTINGS = ("name", "on_collision", "if_exists", "dry_run", "max_errors", "order")


def refuse_contradictions(values: Mapping[str, Any]) -> None:
    """Refuse values that contradict each other, or lack what they speak of.

    Raises:
        click.UsageError: they do.
    """
    if values["quiet"] and values["verbose"]:
        raise click.UsageError("--quiet and --verbose contradict each other.")
    if values["quiet"] and values["progress"] in {"rich", "tqdm"}:
        raise click.UsageError(f"--quiet and --progress {values['progress']} contradict each other.")
    if values["null"] and values["files_from"] is None:
        raise click.UsageError("--null tells how --files-from is to be read, which is missing.")
    if values["files_from"] is not None and len(values["sources"]) > 1:
        raise click.UsageError("--files-from: its names lie below one SOURCE; more than one was given.")
    if values["files_from"] is None and not values["sources"]:
        raise click.UsageError("Give a SOURCE and a DESTINATION, or --files-from and a DESTINATION.")
    for path in values["report"]:
        if not path.endswith(".jsonl"):
            raise click.UsageError(f"--report: {path!r} does not end in .jsonl, the format there is.")


def recipe_from(values: Mapping[str, Any]) -> Recipe:
    """Return what to make of every picture.

    Raises:
        click.UsageError: nothing is asked for.
        FieldError: a value is out of its range.
    """
    output = None if values["format"] == KEEP else Format(values["format"])
    recipe = Recipe(format=output, **_only(_RECIPE, values))
    if not recipe.asks_for_something:
        raise click.UsageError("Nothing is asked for: give --width, --height, --format or --quality.")
    return recipe


def settings_from(values: Mapping[str, Any], stack: ExitStack) -> Settings:
    """Return how to run; what has to be closed afterwards goes on the stack.

    Raises:
        UsageError: a glob is malformed.
    """
    pool = PoolOptions(timeout=values["timeout"] or None, **_only(("workers", "retries", "max_tasks"), values))
    selection = Selection(**_only(_SELECTION, values))
    names = _names(values["files_from"], stack, nul=values["null"])
    return Settings(selection=selection, files_from=names, pool=pool, **_only(_SETTINGS, values))


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
        shutil.copyfileobj(names, copy)
    copy.flush()
    return copy.name
