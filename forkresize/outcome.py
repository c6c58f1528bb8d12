"""What became of one output: Written, Unchanged, Skipped, Failed; Due in a dry run. Counts and formats nothing."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, ClassVar, TypeAlias, TypedDict

from msgspec import Meta, Struct

from forkresize.job import Job, Source

Count: TypeAlias = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
"""A whole number that can be meant; a worker that says another of an output is not believed."""

Seconds: TypeAlias = Annotated[float, Meta(ge=0, lt=1 << 63)]
"""A span of time, likewise."""

_MOST_WARNINGS = 50
_LONGEST_WARNING = 500
"""Characters; what is said of a picture is for people, and a hostile one would have megabytes said."""


class Reason(StrEnum):
    """Why a source was skipped or failed, in the few words that a summary groups by."""

    # Skipped.
    NOT_A_PICTURE = "not a picture"
    NOT_A_FILE = "not a regular file"
    SYMBOLIC_LINK = "symbolic link"
    EXISTS = "output exists"
    COLLISION = "another source has the same output"
    DUPLICATE = "same as a smaller rendition"

    # Failed.
    UNREADABLE = "cannot be read"
    DAMAGED = "damaged or truncated"
    UNSUPPORTED = "not supported"
    NOT_APPLICABLE = "cannot be done to it"
    TOO_LARGE = "too many pixels"
    TOO_MANY_FRAMES = "too many frames"
    FILE_TOO_LARGE = "too many bytes"
    NOT_WRITTEN = "cannot be written"
    TIMED_OUT = "timed out"
    CRASHED = "worker crashed"
    PROTOCOL_VIOLATION = "worker went astray"
    MEMORY_LIMIT = "memory limit"
    INTERRUPTED = "interrupted"
    INTERNAL = "internal error"


class Outcome(Struct, frozen=True, kw_only=True):
    """What is told of every output, and once of a source that none is made of.

    Attributes:
        source: the source this is about.
        destination: the path of the output; None where planning did not get that far.
        rendition: which of the recipe's renditions it is, from 0.
        attempts: how many workers were given the source.
        worker: process id of the last of them.
        seconds: wall time the last of them spent on the source, all of its outputs together.
        warnings: what there is to say about it; the picture is right all the same.
    """

    status: ClassVar[str]

    source: Source
    destination: str | None = None
    rendition: Count = 0
    attempts: int = 0
    worker: int | None = None
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()


class Planned(Outcome, frozen=True, kw_only=True):
    """The output has to be made; what one ends as only in a dry run.

    Attributes:
        destination: the path of its output.
        why: why it has to be made, for a person.
    """

    status = "due"

    destination: str
    why: str


class Written(Outcome, frozen=True, kw_only=True):
    """The output was made.

    Attributes:
        out_bytes: size of the output.
        in_size: width and height of the source in pixels, upright.
        out_size: width and height of the output in pixels.
        in_format: format of the source, in Pillow's lower-case name.
        out_format: format of the output, likewise.
        quality: what the encoder was asked for in the end, 1 to 100; None where the format has no such setting.
        ssim: the structural similarity that was reached, 0 to 1, where one was asked for.
        decode_seconds: wall time from opening the source to having its pixels.
        resize_seconds: wall time of all steps between decoding and encoding, of all outputs together.
        encode_seconds: wall time of encoding and writing.
        peak_rss: the most memory the worker has held so far, in bytes.
    """

    status = "written"

    out_bytes: Count
    in_size: tuple[Count, Count]
    out_size: tuple[Count, Count]
    in_format: str
    out_format: str
    quality: Count | None = None
    ssim: Annotated[float, Meta(ge=-1, lt=2)] | None = None
    decode_seconds: Seconds = 0.0
    resize_seconds: Seconds = 0.0
    encode_seconds: Seconds = 0.0
    peak_rss: Count = 0


class Unchanged(Outcome, frozen=True, kw_only=True):
    """The output is there and up to date."""

    status = "unchanged"


class Pruned(Outcome, frozen=True, kw_only=True):
    """The output of an earlier run was removed because its source is gone; in a dry run, it would be.

    Attributes:
        destination: the path it had.
        out_bytes: the size it had.
    """

    status = "pruned"

    destination: str
    out_bytes: int


class Skipped(Outcome, frozen=True, kw_only=True):
    """The source was left out on purpose.

    Attributes:
        reason: why, in the words a summary groups by.
        error: the particulars, if there are any.
    """

    status = "skipped"

    reason: Reason
    error: str = ""


class Failed(Outcome, frozen=True, kw_only=True):
    """The output could not be made.

    Attributes:
        reason: why, in the words a summary groups by.
        error: the particulars, for a person.
        signal: name of the signal that ended the worker, such as ``SIGSEGV``.
        fatal: whether every other picture would fail likewise, as on a full disk.
    """

    status = "failed"

    reason: Reason
    error: str = ""
    signal: str | None = None
    fatal: bool = False


def truncate_warnings(warnings: Iterable[str]) -> tuple[str, ...]:
    """Return warnings that differ, as many of them and as long as a person reads; the last tells how many more came.

    What has been limited stays as it is.
    """
    told = list(dict.fromkeys(map(truncate, warnings)))
    if len(told) <= _MOST_WARNINGS:
        return tuple(told)
    kept = told[: _MOST_WARNINGS - 1]
    return (*kept, f"and {len(told) - len(kept)} more")


def truncate(text: str) -> str:
    """Return a text, cut off where it is longer than a person reads."""
    return text if len(text) <= _LONGEST_WARNING else f"{text[: _LONGEST_WARNING - 1]}…"


class About(TypedDict):
    """Which source and output an outcome is about."""

    source: Source
    destination: str | None
    rendition: int


def about(job: Job) -> About:
    """Return what an outcome says that is about all outputs of a job; it names the output if there is one alone."""
    first, *others = job.outputs
    return {"source": job.source, "destination": None if others else first.path, "rendition": first.rendition}
