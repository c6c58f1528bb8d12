"""From what became of a job to what is remembered of its outputs. Writes nothing."""

import os
from collections.abc import Callable, Iterator

from forkresize.job import Job
from forkresize.ledger.record import OutputRecord, RecipeFingerprints, clamp_mtime
from forkresize.outcome import Failed, Outcome, Reason, Skipped, Written

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
"""What a picture is refused for again, unless something about it changes; the others may be gone the next time."""


def records_for(
    about: OutputRecord, job: Job, outcomes: list[Outcome], prints: RecipeFingerprints, below: Callable[[str], bytes]
) -> Iterator[OutputRecord]:
    """Yield what is to be remembered of a job's outputs.

    Args:
        about: an entry that says of the source and of the run what there is to say; if it has the output's time too,
            the output is not where it will be yet.
        job: what was worked on.
        outcomes: what became of it.
        prints: what it was made with.
        below: returns where an output lies below the destination.
    """
    by_path = {outcome.destination: outcome for outcome in outcomes if outcome.destination is not None}
    for output in job.outputs:
        outcome = by_path.get(output.path) or outcomes[0]
        detail = outcome.detail
        if isinstance(detail, Written):
            mtime_ns = about.mtime_ns or _mtime_ns(output.path)
            if mtime_ns is None:
                continue  # Whatever is wrong with it by now, the next run will come across.
            width, height = detail.out_size
            yield about._replace(
                path=below(output.path),
                status=outcome.status,
                attempts=outcome.execution.attempts,
                recipe=prints.of(output.rendition),
                size=detail.out_bytes,
                mtime_ns=mtime_ns,
                width=width,
                height=height,
                format=detail.out_format,
            )
        elif isinstance(detail, Skipped | Failed) and _is_permanent(detail):
            yield about._replace(
                path=below(output.path),
                status=outcome.status,
                attempts=outcome.execution.attempts,
                reason=str(detail.reason),
                # A name in it may be of any bytes; SQLite's text is UTF-8.
                error=detail.error.encode(errors="backslashreplace").decode(),
                signal=detail.signal if isinstance(detail, Failed) else None,
                whole=int(outcome.destination is None),
                recipe=prints.of(output.rendition, detail.reason),
                limit=prints.limit(detail.reason),
            )


def _is_permanent(detail: Skipped | Failed) -> bool:
    """Whether an outcome is the picture's doing; who sends SIGKILL is the kernel, for memory, or a person."""
    by_kill = isinstance(detail, Failed) and detail.reason is Reason.CRASHED and detail.signal == "SIGKILL"
    return detail.reason in _PERMANENT and not by_kill


def _mtime_ns(path: str) -> int | None:
    try:
        return clamp_mtime(os.lstat(path).st_mtime_ns)
    except OSError:
        return None
