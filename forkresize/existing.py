"""What is done about an output that is there already: Due or settled. Compares times; remembers nothing."""

import os
import stat
from enum import StrEnum

from forkresize.job import Job
from forkresize.outcome import Due, Failed, Outcome, Reason, Skipped, Unchanged


class IfExists(StrEnum):
    """What is done about an output that is there already."""

    UPDATE = "update"
    SKIP = "skip"
    OVERWRITE = "overwrite"
    ERROR = "error"


def settle(job: Job, policy: IfExists) -> Outcome:
    """Return Due with the reason if the output has to be made, otherwise what becomes of the source without work.

    Raises nothing: an output that can't be looked at is Failed.
    """
    try:
        found = os.lstat(job.destination)
    except FileNotFoundError:
        return _due(job, "no output yet")
    except OSError as error:
        return _failed(job, Reason.NOT_WRITTEN, error.strerror or str(error))
    if stat.S_ISDIR(found.st_mode):
        return _failed(job, Reason.NOT_WRITTEN, "a directory has the output's name")
    match policy:
        case IfExists.SKIP:
            return Skipped(source=job.source, destination=job.destination, reason=Reason.EXISTS)
        case IfExists.ERROR:
            return _failed(job, Reason.EXISTS, "")
        case IfExists.OVERWRITE:
            return _due(job, "to be overwritten")
        case _:
            return _update(job, found)


def _update(job: Job, found: os.stat_result) -> Outcome:
    if not stat.S_ISREG(found.st_mode) or found.st_size == 0:
        return _due(job, "the output is no whole file")
    if found.st_mtime_ns < job.source.mtime_ns:
        return _due(job, "the source is newer")
    return Unchanged(source=job.source, destination=job.destination)


def _due(job: Job, why: str) -> Due:
    return Due(source=job.source, destination=job.destination, why=why)


def _failed(job: Job, reason: Reason, error: str) -> Failed:
    return Failed(source=job.source, destination=job.destination, reason=reason, error=error)
