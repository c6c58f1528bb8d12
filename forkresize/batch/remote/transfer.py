"""One picture on its way through this process: Transfer."""

import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec.structs import replace

from forkresize.batch.remote.renderer import Rendering
from forkresize.batch.wire import WireOutcome
from forkresize.errors import describe
from forkresize.formats import media_type
from forkresize.job import Job, Output
from forkresize.outcome import Failed, Reason, Skipped
from forkresize.pool import Completed, Raised
from forkresize.store import FATAL_ERRORS, ObjectInfo

if TYPE_CHECKING:
    from forkresize.batch.executor import JobResult


class Transfer:
    """A picture that is fetched, rendered and put, by different threads one after the other.

    Args:
        job: the picture.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.size = job.source.size  # Bytes of memory that it takes in this process at the moment.
        self.rendering: Rendering | None = None
        self.placed: dict[str, ObjectInfo] = {}  # Outputs that were put, by their keys.
        self.result: JobResult | None = None
        self.error: BaseException | None = None  # Why no picture can be rendered.
        self.stages: list[tuple[str, float, float]] = []  # What was done, with start and end by ``time.monotonic``.
        self.submitted = 0.0  # When it was given to the pool, by ``time.monotonic``; 0 before.
        self.render_started = 0.0  # When it was first seen with the pool, by ``time.monotonic``; 0 before.
        self._refused: dict[int, Failed] = {}
        self._pending = 0
        self._lock = threading.Lock()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Note when a stage began and ended."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.stages.append((name, started, time.monotonic()))

    def to_put(self, rendering: Rendering) -> list[Output]:
        """Return the outputs to put, of a picture that was rendered."""
        self.rendering = rendering
        if rendering.result.started > self.submitted:
            self.stages.append(("queue", self.submitted, rendering.result.started))
        self.size = rendering.size
        self.job = rendering.result.item
        outputs = [output for output in self.job.outputs if output.rendition in rendering.spans]
        self._pending = len(outputs)
        return outputs

    def media_type(self, output: Output) -> str:
        """Return the content type of an output that was rendered."""
        assert self.rendering is not None  # noqa: S101  It was rendered.
        return media_type(self.rendering.formats[output.rendition])

    def finish_put(self, output: Output, result: ObjectInfo | Exception) -> bool:
        """Note that an output was put, or why not; return whether it was the last one."""
        with self._lock:
            if isinstance(result, ObjectInfo):
                self.placed[output.key] = result
            else:
                self._refused[output.rendition] = _not_written(output, result)
            self._pending -= 1
            return self._pending == 0

    def conclude(self) -> None:
        """Make the result of what was rendered and put, and free its memory."""
        assert self.rendering is not None  # noqa: S101  It was rendered.
        self.rendering.close()
        result = self.rendering.result
        if isinstance(result, Completed) and self._refused:
            result = replace(result, result=_replace_details(result.result, self._refused))
        self.result = replace(result, stages=tuple(self.stages))

    def fail(self, detail: Skipped | Failed) -> None:
        """Give up all of its outputs."""
        outcome = WireOutcome(None, detail, ())
        self.result = Completed(
            item=self.job,
            result=[outcome],
            attempts=0,
            worker=0,
            seconds=0.0,
            stderr="",
            stages=tuple(self.stages),
        )

    def fail_by_bug(self, error: Exception) -> None:
        """Give up all of its outputs because of an unexpected error."""
        self.result = Raised(
            item=self.job,
            attempts=0,
            worker=0,
            seconds=0.0,
            stderr="",
            stages=tuple(self.stages),
            error="".join(traceback.format_exception_only(error)).strip(),
            traceback="".join(traceback.format_exception(error)),
        )


def _replace_details(outcomes: list[WireOutcome], refused: Mapping[int, Failed]) -> list[WireOutcome]:
    return [
        WireOutcome(each.rendition, refused[each.rendition], each.warnings)
        if each.rendition is not None and each.rendition in refused
        else each
        for each in outcomes
    ]


def _not_written(output: Output, error: Exception) -> Failed:
    if not isinstance(error, OSError):
        text = "".join(traceback.format_exception_only(error)).strip()
        return Failed(Reason.INTERNAL, text)
    where = error.filename if isinstance(error.filename, str) else output.key
    return Failed(Reason.NOT_WRITTEN, f"{where}: {describe(error)}", fatal=error.errno in FATAL_ERRORS)
