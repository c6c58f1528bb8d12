"""Thumbnails of many pictures, made in workers, which a stranger's file may cost. Decodes nothing itself."""

import errno
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import partial
from io import FileIO

from forkresize import storage
from forkresize.image.thumbnail import prepare_thumbnails, thumbnail
from forkresize.pool import Completed, Pool, PoolOptions, SandboxPolicy, Serializer, request_file, reserve
from forkresize.store.files import FALLBACK_OPENER

SIDE = 320
"""Pixels of the longer side."""

_TIME_BUDGET = 30.0
"""Seconds after which no further one is begun: they are an extra."""

_TIMEOUT = 15.0
"""Seconds that one may take."""


def make_thumbnails(paths: Sequence[str], workers: int | None = None) -> Mapping[str, bytes]:
    """Return small WebP versions of pictures, by path; those that can't be made are missing.

    Args:
        paths: of the pictures.
        workers: how many work side by side; None for as many as there are CPUs this process may use.
    """
    prepare_thumbnails(SIDE)
    deadline = time.monotonic() + _TIME_BUDGET
    made = {}
    with (
        tempfile.TemporaryDirectory(prefix="forkresize-thumbnails-") as folder,
        Pool(
            partial(thumbnail, side=SIDE, folder=folder, reserve=reserve),
            initializer=partial(FALLBACK_OPENER.set, request_file),
            options=PoolOptions(
                workers=workers,
                timeout=_TIMEOUT,
                retries=0,
                sandbox=SandboxPolicy(write=(folder,), open_file=_open_for_worker),
                serializer=Serializer(lambda made: made or b"", lambda data: bytes(data) or None),
            ),
        ) as pool,
    ):
        for answer in pool.imap_unordered(paths):
            if isinstance(answer, Completed) and answer.result is not None:
                made[answer.item] = answer.result
            if time.monotonic() > deadline:
                pool.stop()
    return made


def _open_for_worker(own: str, path: str) -> FileIO:
    if path != own:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
    return storage.open_source(path)
