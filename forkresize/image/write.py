"""The output's way to its file, and what its failing means for the run. Encodes nothing."""

import errno
import os

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
    except OSError as error:
        told = f"{job.destination}: {error.strerror or error}"
        raise PictureError(Reason.NOT_WRITTEN, told, fatal=error.errno in _FATAL) from error


def _is_source(job: Job) -> bool:
    try:
        return os.path.samefile(job.source.path, job.destination)
    except (FileNotFoundError, NotADirectoryError):
        return False
