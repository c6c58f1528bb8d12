"""Thumbnails of many pictures, made by a pool of workers: a hostile file may crash one."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from io import BufferedReader

from forkresize.batch.render_job import open_for_worker, preload, start_worker
from forkresize.image.transform import Rendered, render_each
from forkresize.pool import Completed, Pool, PoolOptions, SandboxPolicy, Serializer, reserve
from forkresize.recipe import Recipe
from forkresize.store.files import open_source

SIDE = 320
"""Length of the longer side in pixels."""

_TIME_BUDGET = 30.0
"""Seconds after which no further thumbnail is begun: they are optional."""

_TIMEOUT = 15.0
"""Seconds that one thumbnail may take."""


@cache
def _recipe(side: int) -> Recipe:
    return Recipe.of(width=side, height=side, format="webp", quality=70, metadata="none", animation="first")


def make_thumbnails(paths: Sequence[str], workers: int | None = None) -> Mapping[str, bytes]:
    """Return small WebP versions of pictures, by path. Those that cannot be made are missing.

    Args:
        paths: of the pictures.
        workers: how many; None for as many as there are CPUs that this process may use.
    """
    recipe = _recipe(SIDE)
    preload(recipe)
    deadline = time.monotonic() + _TIME_BUDGET
    made = {}
    options = PoolOptions(
        workers=workers,
        timeout=_TIMEOUT,
        retries=0,
        sandbox=SandboxPolicy(open_file=open_for_worker),
        serializer=Serializer(lambda made: made or b"", lambda data: bytes(data) or None),
    )
    with Pool(
        partial(thumbnail, side=SIDE, reserve=reserve), initializer=partial(start_worker, recipe), options=options
    ) as pool:
        for answer in pool.imap_unordered(paths):
            if isinstance(answer, Completed) and answer.result is not None:
                made[answer.item] = answer.result
            if time.monotonic() > deadline:
                pool.stop()
    return made


def thumbnail(path: str, side: int, reserve: Callable[[int], object] = lambda _: None) -> bytes | None:
    """Return a picture as a WebP file without metadata; None if it cannot be made.

    Args:
        path: the picture.
        side: maximum length of its sides in pixels.
        reserve: see ``forkresize.image.transform.render_each``.
    """
    try:
        raw = open_source(path)
    except OSError:
        return None
    with BufferedReader(raw) as file:
        [result] = render_each(file, _recipe(side), name=path, reserve=reserve)
    return result.detail.data if isinstance(result.detail, Rendered) else None
