"""The outcome of one output: which output, how it was executed, and what happened to it."""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from forkresize.job import Job, Source

Count: TypeAlias = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
"""A non-negative 64-bit integer. Values outside this range in a worker's response are rejected."""

Seconds: TypeAlias = Annotated[float, Meta(ge=0, lt=1 << 63)]
"""A duration, limited in the same way."""

_MAX_WARNINGS = 50
MAX_TEXT = 500
"""Characters. A hostile picture could provoke megabytes of warnings."""

FORMER_REASONS = {"worker went astray": "invalid worker response"}  # language: allow (accepted input)
"""Reasons that earlier versions wrote, with their present words."""


class Reason(StrEnum):
    """Why an output was skipped or failed. Summaries group by it."""

    # Skipped.
    NOT_A_PICTURE = "not a picture"
    NOT_A_FILE = "not a regular file"
    SYMBOLIC_LINK = "symbolic link"
    OUTPUT_DIRECTORY = "directory of outputs"
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
    PROTOCOL_VIOLATION = "invalid worker response"
    MEMORY_LIMIT = "memory limit"
    INTERRUPTED = "interrupted"
    INTERNAL = "internal error"

    @classmethod
    def _missing_(cls, value: object) -> "Reason | None":
        """Accept the words of earlier versions."""
        return cls(FORMER_REASONS[value]) if isinstance(value, str) and value in FORMER_REASONS else None


class OutputRef(Struct, frozen=True):
    """Which output an outcome belongs to.

    Attributes:
        source: the source that the output is made of.
        destination: path of the output; None if the outcome covers all outputs of the source.
        rendition: index of the output's rendition in the recipe.
    """

    source: Source
    destination: str | None = None
    rendition: int = 0


class Stage(Struct, frozen=True):
    """What was done for a picture besides rendering it, by the process that moves its bytes.

    Attributes:
        name: ``fetch``, ``queue`` or ``put``.
        started: in seconds since the epoch.
        ended: in seconds since the epoch.
    """

    name: str
    started: float
    ended: float


class Execution(Struct, frozen=True):
    """How a job was executed.

    Attributes:
        attempts: how many workers were given the source.
        worker: the last of them; its process id if it is a local process.
        seconds: wall time that the last of them spent on all outputs of the source.
        started: when the last of them began, in seconds since the epoch; 0 if that is not known.
        stages: what else was done for the source.
    """

    attempts: int = 0
    worker: str | int | None = None
    seconds: float = 0.0
    started: float = 0.0
    stages: tuple[Stage, ...] = ()


NOT_EXECUTED = Execution()
"""No worker was given the source."""


class _Detail(Struct, frozen=True, tag_field="status", tag=str.lower, forbid_unknown_fields=True):
    """What happened to an output. Its class name in lower case is its status."""

    @property
    def status(self) -> str:
        """The word that records use."""
        return str(self.__struct_config__.tag)


class Planned(_Detail, frozen=True):
    """The output has to be made. Final only in a dry run.

    Attributes:
        reason_text: why it has to be made.
    """

    reason_text: str


class Written(_Detail, frozen=True, kw_only=True):
    """The output was made.

    Attributes:
        out_bytes: size of the output.
        in_size: width and height of the source in pixels, upright.
        out_size: width and height of the output in pixels.
        in_format: format of the source, Pillow's name in lower case.
        out_format: format of the output, named in the same way.
        quality: the encoder's quality setting, 1 to 100; None if the format has none.
        ssim: the similarity that was reached, 0 to 1, if one was requested.
        decode_seconds: wall time from opening the source to having its pixels.
        resize_seconds: wall time of all steps between decoding and encoding, for all outputs together.
        encode_seconds: wall time of encoding and writing.
        peak_rss: the worker's peak memory so far, in bytes.
        changed_ns: the source's modification time at the end, if it changed while the output was made; in nanoseconds.
    """

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
    changed_ns: Count | None = None


class Unchanged(_Detail, frozen=True):
    """The output exists and is up to date."""


class Pruned(_Detail, frozen=True):
    """The output of an earlier run was removed; in a dry run, it would be removed.

    Attributes:
        out_bytes: size of the removed output.
        reason_text: why it was removed.
    """

    out_bytes: int
    reason_text: str = "its source is gone"


class Skipped(_Detail, frozen=True):
    """The output was left out on purpose.

    Attributes:
        reason: why.
        error: details, if there are any.
    """

    reason: Reason
    error: str = ""


class Failed(_Detail, frozen=True):
    """The output could not be made.

    Attributes:
        reason: why.
        error: details for a person.
        signal: name of the signal that ended the worker, such as ``SIGSEGV``.
        fatal: whether all other pictures would fail in the same way, as on a full disk.
    """

    reason: Reason
    error: str = ""
    signal: str | None = None
    fatal: bool = False


Detail: TypeAlias = Written | Unchanged | Skipped | Failed | Pruned | Planned
UNCHANGED = Unchanged()


class Outcome(Struct, frozen=True):
    """The outcome of one output, or of a source without outputs.

    Attributes:
        ref: which output it is.
        detail: what happened to it.
        execution: how it was executed.
        warnings: remarks on a valid output.
    """

    ref: OutputRef
    detail: Detail
    execution: Execution = NOT_EXECUTED
    warnings: tuple[str, ...] = ()

    @property
    def source(self) -> Source:
        """The source that the output is made of."""
        return self.ref.source

    @property
    def destination(self) -> str | None:
        """Path of the output; None if the outcome covers all outputs of the source."""
        return self.ref.destination

    @property
    def rendition(self) -> int:
        """Index of the output's rendition in the recipe."""
        return self.ref.rendition

    @property
    def status(self) -> str:
        """The word for what happened to it."""
        return self.detail.status

    @property
    def reason(self) -> Reason | None:
        """Why it was skipped or failed; None otherwise."""
        return self.detail.reason if isinstance(self.detail, Skipped | Failed) else None

    @property
    def error(self) -> str:
        """Details about why it was skipped or failed; empty otherwise."""
        return self.detail.error if isinstance(self.detail, Skipped | Failed) else ""


def ref_to_job(job: Job, location: Callable[[str], str]) -> OutputRef:
    """Return the reference of an outcome that covers all outputs of a job; it names the output if there is only one.

    Args:
        job: the job.
        location: returns the full path or URL of an output's key.
    """
    first, *others = job.outputs
    return OutputRef(job.source, None if others else location(first.key), first.rendition)


def truncate_warnings(warnings: Iterable[str]) -> tuple[str, ...]:
    """Return distinct warnings, limited in number and length. The last one counts those that were dropped.

    Limiting is idempotent.
    """
    distinct = list(dict.fromkeys(map(truncate, warnings)))
    if len(distinct) <= _MAX_WARNINGS:
        return tuple(distinct)
    kept = distinct[: _MAX_WARNINGS - 1]
    return (*kept, f"and {len(distinct) - len(kept)} more")


def truncate(text: str) -> str:
    """Return a text, cut to a length that a person reads."""
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"
