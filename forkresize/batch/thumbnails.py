"""Thumbnails and parts of many pictures, made by a pool of workers: a hostile file may crash one."""

import io
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from io import BufferedReader

from forkresize.batch.local import open_for_worker
from forkresize.batch.render_job import preload, start_worker
from forkresize.image.transform import Rendered, render_each
from forkresize.pool import Completed, Pool, PoolOptions, SandboxPolicy, Serializer, reserve
from forkresize.recipe import Crop, Recipe
from forkresize.report.html.excerpt import Excerpt
from forkresize.store.files import open_source

SIDE = 320
"""Length of a thumbnail's longer side in pixels."""

_TIME_BUDGET = 30.0
"""Seconds after which no further picture is begun: they are optional."""

_TIMEOUT = 15.0
"""Seconds that one picture may take."""


@cache
def _thumbnail_recipe() -> Recipe:
    return Recipe.of(width=SIDE, height=SIDE, format="webp", quality=70, metadata="none", animation="first")


def _part_recipe(box: tuple[int, int, int, int], size: tuple[int, int] | None) -> Recipe:
    left, top, width, height = box
    crop = Crop(width=width, height=height, left=left, top=top)
    target = {"width": size[0], "height": size[1], "fit": "fill", "enlarge": True} if size else {}
    return Recipe.of(crop=crop, format="webp", lossless=True, metadata="none", animation="first", **target)


def make_thumbnails(excerpts: Sequence[Excerpt], workers: int | None = None) -> Mapping[Excerpt, bytes]:
    """Return a WebP file of each picture or part. Those that cannot be made are missing.

    Args:
        excerpts: what to show.
        workers: how many; None for as many as there are CPUs that this process may use.
    """
    preload(_thumbnail_recipe())
    deadline = time.monotonic() + _TIME_BUDGET
    made = {}
    options = PoolOptions(
        workers=workers,
        timeout=_TIMEOUT,
        retries=0,
        sandbox=SandboxPolicy(open_file=_open_excerpt),
        serializer=Serializer(lambda made: made or b"", lambda data: bytes(data) or None),
    )
    initializer = partial(start_worker, _thumbnail_recipe())
    with Pool(partial(draw_excerpt, reserve=reserve), initializer=initializer, options=options) as pool:
        for answer in pool.imap_unordered(excerpts):
            if isinstance(answer, Completed) and answer.result is not None:
                made[answer.item] = answer.result
            if time.monotonic() > deadline:
                pool.stop()
    return made


def draw_excerpt(excerpt: Excerpt, reserve: Callable[[int], object] = lambda _: None) -> bytes | None:
    """Return a picture or a part of it as a WebP file without metadata; None if it cannot be made.

    Args:
        excerpt: what to show.
        reserve: see ``forkresize.image.transform.render_each``.
    """
    recipe = _part_recipe(excerpt.box, excerpt.size) if excerpt.box else _thumbnail_recipe()
    try:
        raw = open_source(excerpt.path)
    except OSError:
        return None
    with BufferedReader(raw) as file:
        [result] = render_each(file, recipe, name=excerpt.path, reserve=reserve)
    return result.detail.data if isinstance(result.detail, Rendered) else None


def _open_excerpt(own: Excerpt, path: str) -> io.FileIO:
    return open_for_worker(own.path, path)
