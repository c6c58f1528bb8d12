"""The output's way to its file, and what its failing means for the run. Encodes nothing."""

import contextlib
import errno
import os

from forkresize import storage
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.errors import PictureError
from forkresize.job import Source
from forkresize.outcome import Reason

_FATAL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM})
"""What would fail every other output likewise."""


def write(source: Source, path: str, data: bytes | memoryview, tag: str, diagnostics: Diagnostics) -> None:
    """Write an output whole or not at all.

    Args:
        source: what it was made of.
        path: where it goes.
        data: what it holds.
        tag: names the run; part of the temporary file's name.
        diagnostics: receives a warning if the source was changed.

    Raises:
        PictureError: it can't be written, or would overwrite its own source.
    """
    try:
        if _is_source(source, path):
            raise PictureError(Reason.NOT_WRITTEN, "the output would overwrite its source")
        storage.write_atomic(path, data, tag)
        _backdate_if_source_changed(source, path, diagnostics)
    except OSError as error:
        told = f"{path}: {error.strerror or error}"
        raise PictureError(Reason.NOT_WRITTEN, told, fatal=error.errno in _FATAL) from error


def _backdate_if_source_changed(source: Source, path: str, diagnostics: Diagnostics) -> None:
    """If the source was changed meanwhile, date the output back, so that the next run makes it anew."""
    # The output is whole; whatever is wrong with the source by now, the next run will come across.
    with contextlib.suppress(OSError):
        now = os.stat(source.path)
        if source.mtime_ns and (now.st_mtime_ns, now.st_size) != (source.mtime_ns, source.size):
            diagnostics.warn("the source was changed while its output was made")
            os.utime(path, ns=(now.st_atime_ns, min(source.mtime_ns, now.st_mtime_ns - 1)))


def _is_source(source: Source, path: str) -> bool:
    try:
        return os.path.samefile(source.path, path)
    except (FileNotFoundError, NotADirectoryError):
        return False
