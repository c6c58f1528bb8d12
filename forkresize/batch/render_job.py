"""What a worker does with a job: open the source, render it, write its outputs."""

import contextlib
import io
import os
import resource
import sys
from collections.abc import Callable
from time import perf_counter
from typing import BinaryIO

from msgspec.structs import replace

from forkresize.errors import describe
from forkresize.image.diagnostics import collect_always
from forkresize.image.errors import PictureError, failure_of
from forkresize.image.limits import limit_decoders
from forkresize.image.transform import Rendered, Result, preload, render_each
from forkresize.job import Job, Output, Source
from forkresize.outcome import (
    Execution,
    Failed,
    Outcome,
    OutputRef,
    Reason,
    Skipped,
    Written,
    ref_to_job,
    truncate_warnings,
)
from forkresize.pool import request_file
from forkresize.recipe import Recipe
from forkresize.store import FATAL_ERRORS, LocalStore, OutputStore
from forkresize.store.files import FALLBACK_OPENER

__all__ = ["preload", "render_each", "render_job", "start_worker"]

_BUFFER = 1 << 16
"""Bytes read at once; Pillow's decoders ask for as much."""

_SOURCES = LocalStore("")

_USAGE_SCOPE = getattr(resource, "RUSAGE_THREAD", resource.RUSAGE_SELF)
"""Both have the peak memory of the process. For the other one, Linux counts CPU time as well, and may then run another
process: while all processors are busy, after nearly every picture."""

_CHANGED = "the source was changed while its output was made"


def start_worker(recipe: Recipe) -> None:
    """Prepare a pool's worker, which renders with one recipe and may not open all files itself."""
    FALLBACK_OPENER.set(request_file)
    # Of standard error, the end is kept: a trace of calls would push out the message.
    os.environ["RUST_BACKTRACE"] = "0"
    limit_decoders(recipe.max_pixels)
    collect_always()


def render_job(
    job: Job, recipe: Recipe, store: OutputStore, reserve: Callable[[int], object] = lambda _: None
) -> list[Outcome]:
    """Render a picture and write its outputs.

    Args:
        job: the picture, and its outputs.
        recipe: what to make of it.
        store: where the outputs are written.
        reserve: see ``forkresize.image.transform.render_each``.

    Returns:
        Written, Skipped or Failed for each output; one for all of them if the picture itself cannot be rendered.
        Nothing that a picture can cause is raised.
    """
    started = perf_counter()
    try:
        file = _open_source(job.source)
    except Exception as error:  # noqa: BLE001 -- one picture's error must not stop the others.
        outcomes = [Outcome(ref_to_job(job, store.location), _unreadable(job.source, error))]
    else:
        outputs = {output.rendition: output for output in job.outputs}
        with file:
            results = render_each(file, recipe, list(outputs), name=job.source.path, reserve=reserve)
            outcomes = [
                Outcome(ref_to_job(job, store.location), _not_rendered(result), warnings=result.warnings)
                if result.rendition is None
                else _write(job, outputs[result.rendition], result, store)
                for result in results
            ]
    execution = Execution(seconds=perf_counter() - started)
    return [replace(outcome, execution=execution) for outcome in outcomes]


def _open_source(source: Source) -> BinaryIO:
    """Open a source. A small one is read at once: a decoder seeks, and a buffered file is then read again.

    Raises:
        OSError: it cannot be opened or read.
    """
    raw = _SOURCES.open(source.path)
    if source.size >= _BUFFER:
        return io.BufferedReader(raw, _BUFFER)
    try:
        data = raw.read(_BUFFER)
        if len(data) == source.size:
            raw.close()
            return io.BytesIO(data)
        # It is being changed.
        raw.seek(0)
    except BaseException:
        raw.close()
        raise
    return io.BufferedReader(raw, _BUFFER)


def _unreadable(source: Source, error: Exception) -> Skipped | Failed:
    if isinstance(error, OSError):
        return Failed(Reason.UNREADABLE, f"{source.path}: {describe(error)}")
    return failure_of(error)


def _not_rendered(result: Result) -> Skipped | Failed:
    assert not isinstance(result.detail, Rendered)  # noqa: S101 -- a picture as a whole has no rendition.
    return result.detail


def _write(job: Job, output: Output, result: Result, store: OutputStore) -> Outcome:
    """Write a rendition, whole or not at all, and return its outcome."""
    location = store.location(output.key)
    ref = OutputRef(job.source, location, output.rendition)
    rendered = result.detail
    if not isinstance(rendered, Rendered):
        return Outcome(ref, rendered, warnings=result.warnings)
    started = perf_counter()
    try:
        if store.capabilities.local_paths and not job.in_place:
            _refuse_to_overwrite(job.source, location)
        if output.staged:
            store.stage(output.staged, rendered.data)
        else:
            store.put(output.key, rendered.data)
        changed_ns = _changed_mtime(job.source, store)
    except Exception as error:  # noqa: BLE001 -- one output's error must not stop the others.
        return Outcome(ref, _not_written(location, error), warnings=result.warnings)
    warnings = result.warnings if changed_ns is None else truncate_warnings((*result.warnings, _CHANGED))
    return Outcome(ref, describe_rendered(rendered, perf_counter() - started, changed_ns), warnings=warnings)


def _not_written(path: str, error: Exception) -> Skipped | Failed:
    if isinstance(error, OSError):
        # What is missing is the staging directory, for all other outputs as well.
        fatal = error.errno in FATAL_ERRORS or isinstance(error, FileNotFoundError)
        return Failed(Reason.NOT_WRITTEN, f"{path}: {describe(error)}", fatal=fatal)
    return failure_of(error)


def describe_rendered(rendered: Rendered, seconds: float, changed_ns: int | None = None) -> Written:
    """Return the detail of a rendition that was written.

    Args:
        rendered: the rendition.
        seconds: wall time of writing it.
        changed_ns: see ``Written``.
    """
    timings = rendered.timings
    return Written(
        out_bytes=len(rendered.data),
        in_size=rendered.source_size,
        out_size=rendered.size,
        in_format=rendered.source_format,
        out_format=rendered.format,
        quality=rendered.quality,
        ssim=rendered.ssim,
        decode_seconds=timings.decode,
        resize_seconds=timings.resize,
        encode_seconds=timings.encode + seconds,
        peak_rss=_peak_rss(),
        changed_ns=changed_ns,
    )


def _refuse_to_overwrite(source: Source, path: str) -> None:
    """Raise a PictureError if an output's path leads to its source."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        # Nearly always, there is no output yet.
        if os.path.samefile(path, source.path):
            raise PictureError(Reason.NOT_WRITTEN, "the output would overwrite its source")


def _changed_mtime(source: Source, store: OutputStore) -> int | None:
    """Return the source's modification time in nanoseconds if it has changed; None otherwise.

    Raises:
        PictureError: it has changed, and the store cannot set the output's time to one before the change.
    """
    now = None
    # The output is complete. If the source can no longer be read, the next run reports it.
    with contextlib.suppress(OSError):
        now = _SOURCES.stat(source.path, follow=True)
    if not source.mtime_ns or now is None or (now.mtime_ns, now.size) == (source.mtime_ns, source.size):
        return None
    if not store.capabilities.mtimes:
        raise PictureError(Reason.NOT_WRITTEN, _CHANGED)
    return max(0, now.mtime_ns)


def _peak_rss() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(_USAGE_SCOPE).ru_maxrss * unit
