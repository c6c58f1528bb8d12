"""A small version of a picture for a page to show. Chooses no picture."""

import os
from collections.abc import Callable
from functools import cache

from forkresize.image.render import preload, render
from forkresize.job import Job, Output, Source
from forkresize.outcome import Written
from forkresize.recipe import Recipe


@cache
def _recipe(side: int) -> Recipe:
    return Recipe.of(width=side, height=side, format="webp", quality=70, metadata="none", animation="first")


def prepare_thumbnails(side: int) -> None:
    """Load all that thumbnails need, so that workers forked afterwards share it."""
    preload(_recipe(side))


def thumbnail(path: str, side: int, folder: str, reserve: Callable[[int], object] = lambda _: None) -> bytes | None:
    """Return a picture as a WebP file without metadata; None if there can be none.

    Args:
        path: the picture, which may be a stranger's: called in a worker, which it may cost.
        side: pixels that neither side of it is longer than.
        folder: a directory for what is made on the way; whoever made it clears it away.
        reserve: see render.
    """
    name = os.path.join(folder, f"{os.getpid()}.webp")
    job = Job(Source(path, os.path.basename(path)), (Output(name),))
    [outcome] = render(job, _recipe(side), "thumbnail", reserve)
    if not isinstance(outcome.detail, Written):
        return None
    with open(name, "rb") as file:
        return file.read()
