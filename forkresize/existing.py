"""What is done about an output that is there already: Due or settled. Compares times; remembers nothing."""

import os
import stat
from enum import StrEnum
from typing import TypedDict

from forkresize.job import Output, Source
from forkresize.outcome import Due, Failed, Outcome, Reason, Skipped, Unchanged


class IfExists(StrEnum):
    """What is done about an output that is there already."""

    UPDATE = "update"
    SKIP = "skip"
    OVERWRITE = "overwrite"
    ERROR = "error"


def settle(source: Source, output: Output, policy: IfExists) -> Outcome:
    """Return Due with the reason if the output has to be made, otherwise what becomes of it without work.

    Raises nothing: an output that can't be looked at is Failed.
    """
    told = _Told(source=source, destination=output.path, rendition=output.rendition)
    try:
        found = os.lstat(output.path)
    except FileNotFoundError:
        return Due(**told, why="no output yet")
    except OSError as error:
        return Failed(**told, reason=Reason.NOT_WRITTEN, error=error.strerror or str(error))
    if stat.S_ISDIR(found.st_mode):
        return Failed(**told, reason=Reason.NOT_WRITTEN, error="a directory has the output's name")
    match policy:
        case IfExists.SKIP:
            return Skipped(**told, reason=Reason.EXISTS)
        case IfExists.ERROR:
            return Failed(**told, reason=Reason.EXISTS)
        case IfExists.OVERWRITE:
            return Due(**told, why="to be overwritten")
        case _:
            why = _why_update(found, source)
            return Due(**told, why=why) if why else Unchanged(**told)


class _Told(TypedDict):
    source: Source
    destination: str
    rendition: int


def _why_update(found: os.stat_result, source: Source) -> str | None:
    if not stat.S_ISREG(found.st_mode) or found.st_size == 0:
        return "the output is no whole file"
    return "the source is newer" if found.st_mtime_ns < source.mtime_ns else None
