"""Which directory a source belongs to, and where it lies in it. Opens nothing."""

import os
from functools import lru_cache

from forkresize.job import Source

_absolute = lru_cache(maxsize=1024)(os.path.abspath)


def split_root(source: Source) -> tuple[str, str]:
    """Return the absolute path of the directory that a source was found from, and where it lies in it.

    What a source's path and its place below the destination have in common lies in the directory.
    """
    above = source.path.removesuffix(source.relative)
    if above[-1:] in {"/", ""} and len(above) < len(source.path):
        return _absolute(above or os.curdir), source.relative
    folder, name = os.path.split(source.path)
    return _absolute(folder or os.curdir), name
