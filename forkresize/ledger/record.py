"""What the ledger holds of one output, and what it is compared with: Entry and Prints. Touches no file."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from msgspec import Struct

from forkresize.outcome import FORMER_REASONS, Reason

_LATEST = 2**63 - 1
"""Nanoseconds since the epoch that SQLite has room for: some day in 2262."""

_REFUSALS = frozenset({"skipped", "failed"})

REASONS = frozenset({*map(str, Reason), *FORMER_REASONS})
"""Those that this version knows; a later one may have noted others."""


class OutputRecord(NamedTuple):
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


def is_valid(entry: Any) -> bool:
    """Whether what an entry says can be told: SQLite keeps whatever it is given, and anybody may have written it."""
    # Most rows are of outputs that were made, of which nothing is told.
    return isinstance(entry.run, int) and (
        entry.status == "written"
        or (
            entry.status in _REFUSALS
            and isinstance(entry.reason, str | None)
            and isinstance(entry.error, str)
            and isinstance(entry.signal, str | None)
        )
    )


def is_placed(entry: Any) -> bool:
    """Whether an entry names files and measures them, and its output lies below the destination."""
    if not (isinstance(entry.path, bytes) and isinstance(entry.source, bytes)):
        return False
    if not all(isinstance(number, int) for number in (entry.source_size, entry.source_mtime_ns, entry.size)):
        return False
    return b"\0" not in entry.path + entry.source and not {b"", b".", b".."} & {*entry.path.split(b"/")}


def clamp_mtime(mtime_ns: int) -> int:
    """Return a time as it can be kept, nanoseconds since the epoch; of one that can't be, no file is taken for it."""
    return max(-_LATEST, min(mtime_ns, _LATEST))


class RecipeFingerprints(Struct, frozen=True, kw_only=True):
    """What this run would make its outputs with.

    Attributes:
        renditions: the fingerprint of each rendition alone, so that another one beside it changes nothing.
        together: the fingerprint of all renditions, which decides what is the same as a smaller one.
        limits: by reason, what such an outcome hangs on besides, as the most pixels that a source may have.
    """

    renditions: tuple[bytes, ...]
    together: bytes
    limits: Mapping[str, float]

    def of(self, rendition: int, reason: str | None = None) -> bytes:
        """Return the fingerprint that an outcome of this reason hangs on."""
        return self.together if reason == Reason.DUPLICATE else self.renditions[rendition]

    def limit(self, reason: str | None) -> float | None:
        """Return the limit that an outcome of this reason hangs on; None if it hangs on none."""
        return None if reason is None else self.limits.get(reason)
