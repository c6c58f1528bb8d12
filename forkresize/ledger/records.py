"""From the outcomes of a job to the records of its outputs, and the fingerprints that records are compared with."""

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from msgspec import Struct

from forkresize.job import Job, Output, Source
from forkresize.ledger.base import OutputRecord
from forkresize.outcome import Failed, Outcome, Reason, Skipped, Written
from forkresize.store import ObjectInfo
from forkresize.urls import is_url

_PERMANENT = frozenset(
    {
        Reason.NOT_A_PICTURE,
        Reason.DUPLICATE,
        Reason.DAMAGED,
        Reason.UNSUPPORTED,
        Reason.NOT_APPLICABLE,
        Reason.TOO_LARGE,
        Reason.TOO_MANY_FRAMES,
        Reason.FILE_TOO_LARGE,
        Reason.CRASHED,
        Reason.PROTOCOL_VIOLATION,
        Reason.TIMED_OUT,
    }
)
"""Reasons that hold until something changes; after the others, the next run tries again."""

MEMORY_REASONS = frozenset({Reason.DAMAGED, Reason.UNSUPPORTED, Reason.CRASHED, Reason.PROTOCOL_VIOLATION})
"""Reasons that a lack of memory can cause, which not every decoder reports as such."""


@lru_cache(maxsize=1024)
def _absolute(folder: str) -> str:
    return folder.rstrip("/") if is_url(folder) else os.path.abspath(folder or os.curdir)


class RecipeFingerprints(Struct, frozen=True, kw_only=True):
    """What this run would make its outputs with.

    Attributes:
        renditions: the fingerprint of each rendition alone, so that another one beside it changes nothing.
        combined: the fingerprint of all renditions, which decides what duplicates a smaller rendition.
        limits: by reason, the limit that such a failure depends on, such as the maximum number of pixels. With more
            memory, a picture may succeed that failed for one of ``MEMORY_REASONS``.
    """

    renditions: tuple[bytes, ...]
    combined: bytes
    limits: Mapping[str, float]

    def for_rendition(self, rendition: int, reason: str | None = None) -> bytes:
        """Return the fingerprint that an outcome with this reason depends on."""
        duplicate = reason is not None and reason == Reason.DUPLICATE
        return self.combined if duplicate else self.renditions[rendition]

    def limit_for(self, reason: str | None) -> float | None:
        """Return the limit that an outcome with this reason depends on; None if there is none."""
        return None if reason is None else self.limits.get(reason)

    def allows_more(self, reason: str | None, limit_value: float | None) -> bool:
        """Return whether an outcome with this reason, recorded with this limit, may be different with today's limit."""
        limit = self.limit_for(reason)
        if limit is None or reason not in MEMORY_REASONS:
            return limit_value != limit
        # Earlier versions recorded no limit, and took pictures for damaged that did not fit in memory.
        return limit_value is None or limit_value < limit


def split_root(source: Source) -> tuple[str, str]:
    """Return the absolute path of the directory that a source was found from, and the source's path relative to it.

    Of an object, the first part is a URL. The directory is what remains of the source's path without its path below the
    destination.
    """
    above = source.path.removesuffix(source.relative)
    if above[-1:] in {"/", ""} and len(above) < len(source.path):
        return _absolute(above), source.relative
    folder, name = os.path.split(source.path)
    return _absolute(folder), name


def recordable_version(info: ObjectInfo) -> str | None:
    """Return the version of an object; None for files, whose inode numbers may be unstable."""
    return info.version if isinstance(info.version, str) else None


def source_record(source: Source, run: int, source_hash: bytes | None = None) -> OutputRecord:
    """Return a record that describes a source in a run, to be completed for each output."""
    root, relative = split_root(source)
    return OutputRecord(
        key="",
        root=root,
        source=relative,
        source_size=source.size,
        source_mtime_ns=source.mtime_ns,
        source_hash=source_hash,
        recipe=b"",
        status="",
        run=run,
        source_etag=source.etag,
        source_version=source.version,
    )


def records_for(
    job: Job,
    outcomes: Sequence[Outcome],
    base: OutputRecord,
    fingerprints: RecipeFingerprints,
    found: Mapping[str, ObjectInfo],
) -> Iterator[OutputRecord]:
    """Yield the records of a job's outputs. Outcomes that may be different the next time are not recorded.

    Args:
        job: what was executed.
        outcomes: one for each output, or one for all.
        base: describes the source and the run.
        fingerprints: what the outputs were made with.
        found: the outputs that exist, by key.
    """
    by_rendition = {outcome.rendition: outcome for outcome in outcomes if outcome.destination is not None}
    for output in job.outputs:
        outcome = by_rendition.get(output.rendition) or outcomes[0]
        detail = outcome.detail
        # An output that was written, but is gone by now, is left to the next run.
        if isinstance(detail, Written) and (info := found.get(output.key)) is not None:
            width, height = detail.out_size
            yield base._replace(
                key=output.key,
                status=outcome.status,
                attempts=outcome.execution.attempts,
                recipe=fingerprints.for_rendition(output.rendition),
                size=detail.out_bytes,
                mtime_ns=info.mtime_ns,
                etag=info.etag,
                version=recordable_version(info),
                width=width,
                height=height,
                format=detail.out_format,
            )
        elif isinstance(detail, Skipped | Failed) and _is_permanent(detail):
            yield _record_without_output(base, output, outcome, detail, fingerprints)


def _record_without_output(
    base: OutputRecord, output: Output, outcome: Outcome, detail: Skipped | Failed, fingerprints: RecipeFingerprints
) -> OutputRecord:
    """Return the record of an output that was not written."""
    return base._replace(
        key=output.key,
        status=outcome.status,
        attempts=outcome.execution.attempts,
        reason=str(detail.reason),
        error=detail.error,
        signal=detail.signal if isinstance(detail, Failed) else None,
        covers_all=int(outcome.destination is None),
        recipe=fingerprints.for_rendition(output.rendition, detail.reason),
        limit_value=fingerprints.limit_for(detail.reason),
    )


def _is_permanent(detail: Skipped | Failed) -> bool:
    """Return whether the picture causes the outcome. SIGKILL comes from the kernel, for memory, or from a person."""
    by_kill = isinstance(detail, Failed) and detail.reason is Reason.CRASHED and detail.signal == "SIGKILL"
    return detail.reason in _PERMANENT and not by_kill
