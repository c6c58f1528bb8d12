"""One picture, made in this process. Supervises nothing."""

import contextlib
import os
import secrets

from forkresize.errors import FieldError
from forkresize.image.render import preload
from forkresize.image.render import render as render_job
from forkresize.job import Job, Output, Source
from forkresize.outcome import Outcome
from forkresize.recipe import Recipe


def render(source: str | os.PathLike[str], destination: str | os.PathLike[str], recipe: Recipe) -> Outcome:
    """Make one picture in this process, whole or not at all.

    A decoder that crashes takes this process with it; ``run`` keeps a worker between the two.

    Args:
        source: the picture to read.
        destination: the file to write; it is replaced if it is there.
        recipe: what to make of it; with a single rendition, for there is a single destination.

    Returns:
        Written, Skipped if the source is no picture, or Failed; what a picture can cause is never raised.

    Raises:
        FieldError: the recipe has several renditions, or names a watermark that can't be used.
    """
    if len(recipe.renditions) > 1:
        raise FieldError("renditions", f"there are {len(recipe.renditions)}, and one destination")
    preload(recipe)
    path = os.fspath(source)
    size, mtime_ns = 0, 0
    # What can't be looked at is told of as any other failure.
    with contextlib.suppress(OSError):
        found = os.stat(path)
        size, mtime_ns = found.st_size, found.st_mtime_ns
    job = Job(Source(path, os.path.basename(path), size, mtime_ns), (Output(os.fspath(destination)),))
    return render_job(job, recipe, secrets.token_hex(4))[0]
