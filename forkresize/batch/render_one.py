"""Render one picture from file to file, in this process."""

import contextlib
import os

from forkresize.batch.outputs import date_output
from forkresize.batch.render_job import preload, render_job
from forkresize.errors import FieldError
from forkresize.hashing import random_hex
from forkresize.job import Job, Output, Source
from forkresize.outcome import Outcome
from forkresize.plan import recipe_for_file
from forkresize.recipe import Recipe
from forkresize.store import LocalStore


def render(source: str | os.PathLike[str], destination: str | os.PathLike[str], recipe: Recipe) -> Outcome:
    """Render one picture in this process, and write it whole or not at all.

    A decoder that crashes takes this process with it; ``run`` keeps workers in between.

    Args:
        source: the file to read.
        destination: the file to write; an existing one is replaced. Its suffix decides the format, unless the recipe
            does.
        recipe: what to make of it, with a single rendition.

    Returns:
        The outcome, which is Written, Skipped if the source is not a picture, or Failed. Nothing that a picture can
        cause is raised.

    Raises:
        FieldError: the recipe has several renditions, or names a watermark that cannot be used; or the suffix of the
            destination contradicts the format, or is that of a format that cannot be written.
    """
    if len(recipe.renditions) > 1:
        raise FieldError("renditions", f"expected one rendition for one destination, got {len(recipe.renditions)}")
    path = os.fspath(source)
    recipe = recipe_for_file(recipe, path, os.fspath(destination))
    preload(recipe)
    found = None
    # A source that cannot be read is reported by its outcome.
    with contextlib.suppress(OSError):
        found = LocalStore("").stat(path, follow=True)
    size, mtime_ns = (found.size, found.mtime_ns) if found else (0, 0)
    key, store = os.fspath(destination), LocalStore("", random_hex(4))
    job = Job(Source(path, os.path.basename(path), size, mtime_ns), (Output(key),))
    return date_output(render_job(job, recipe, store)[0], store, key)
