"""What the ledger holds of one output, and what it is compared with: Entry and Prints. Touches no file."""

from dataclasses import dataclass
from typing import NamedTuple

from forkresize.outcome import Reason


class Entry(NamedTuple):
    """What became of one output, the last time somebody worked on it.

    Attributes:
        path: of the output, below the destination.
        root: number of the directory that the source lies in.
        source: where the source lies below that.
        source_size: in bytes, when it was found.
        source_mtime_ns: its time of last modification, likewise.
        source_hash: of its content; None unless contents are compared.
        recipe: the fingerprint of all that the output's bytes depend on but the source.
        status: ``written``, ``skipped`` or ``failed``.
        reason: why it was skipped or failed.
        error: the particulars.
        signal: name of the signal that ended the worker.
        whole: whether it was told once of the source, for several outputs together.
        limit: the limit that it failed by, such as seconds; None for failures that hang on none.
        attempts: how many workers were given the source.
        run: number of the run.
        size: of the output, in bytes.
        mtime_ns: of the output.
        width: of the output, in pixels.
        height: of the output, in pixels.
        format: of the output.
        hash: of the output's content; None unless it took the place of its source.
    """

    path: bytes
    root: int
    source: bytes
    source_size: int
    source_mtime_ns: int
    source_hash: bytes | None
    recipe: bytes
    status: str
    reason: str | None = None
    error: str = ""
    signal: str | None = None
    whole: int = 0
    limit: float | None = None
    attempts: int = 0
    run: int = 0
    size: int = 0
    mtime_ns: int = 0
    width: int | None = None
    height: int | None = None
    format: str | None = None
    hash: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prints:
    """What this run would make its outputs with.

    Attributes:
        renditions: the fingerprint of each rendition alone, so that another one beside it changes nothing.
        together: the fingerprint of all renditions, which decides what is the same as a smaller one.
        max_pixels: the most pixels that a source may have.
        timeout: seconds a picture may take; None for ever.
    """

    renditions: tuple[bytes, ...]
    together: bytes
    max_pixels: int
    timeout: float | None

    def of(self, rendition: int, reason: str | None = None) -> bytes:
        """Return the fingerprint that an outcome of this reason hangs on."""
        return self.together if reason == Reason.DUPLICATE else self.renditions[rendition]

    def limit(self, reason: str | None) -> float | None:
        """Return the limit that an outcome of this reason hangs on; None if it hangs on none."""
        if reason == Reason.TOO_LARGE:
            return float(self.max_pixels)
        return (self.timeout or 0.0) if reason == Reason.TIMED_OUT else None
