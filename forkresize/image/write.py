"""The output's way to its file, and what its failing means for the run. Encodes nothing."""

import contextlib
import errno
import os
import warnings

from forkresize import storage
from forkresize.image.picture import PictureError
from forkresize.job import Job
from forkresize.outcome import Reason

_FATAL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM})
"""What would fail every other output likewise."""


def write(job: Job, data: memoryview, tag: str) -> None:
    """Write the output whole or not at all.

    Raises:
        PictureError: it can't be written, or would overwrite its own source.
    """
    try:
        if _is_source(job):
            raise PictureError(Reason.NOT_WRITTEN, "the output would overwrite its source")
        storage.write_whole(job.destination, data, tag)
        _mind_change(job)
    except OSError as error:
        told = f"{job.destination}: {error.strerror or error}"
        raise PictureError(Reason.NOT_WRITTEN, told, fatal=error.errno in _FATAL) from error


def _mind_change(job: Job) -> None:
    """If the source was changed meanwhile, date the output back, so that the next run makes it anew."""
    # The output is whole; whatever is wrong with the source by now, the next run will come across.
    with contextlib.suppress(OSError):
        now = os.stat(job.source.path)
        if job.source.mtime_ns and (now.st_mtime_ns, now.st_size) != (job.source.mtime_ns, job.source.size):
            warnings.warn("the source was changed while its output was made", stacklevel=1)
            os.utime(job.destination, ns=(now.st_atime_ns, min(job.source.mtime_ns, now.st_mtime_ns - 1)))


def _is_source(job: Job) -> bool:
    try:
        return os.path.samefile(job.source.path, job.destination)
    except (FileNotFoundError, NotADirectoryError):
        return False
