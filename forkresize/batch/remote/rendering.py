"""What comes back from the workers of a Renderer: Rendering, Inspection, and the checks of what a worker says."""

import os
from collections.abc import Iterator, Mapping, Sequence
from io import FileIO
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from forkresize.batch.executor import LOST, JobResult
from forkresize.batch.remote.render_task import Inline
from forkresize.batch.wire import WireOutcome
from forkresize.image.inspection import Inspected
from forkresize.job import Job
from forkresize.outcome import Failed, Reason, Written
from forkresize.pool import Completed, TaskResult, WithFiles


class Rendering(Struct, frozen=True):
    """A picture that was rendered, or was not.

    Attributes:
        result: the outcomes; as of every executor.
        file: holds the renditions that are Written; None if there are none, or they are in ``data``.
        data: the same for few bytes.
        spans: where each of them is, as offset and size in bytes, by rendition.
        formats: the format of each of them, Pillow's name in lower case, by rendition.
    """

    result: JobResult
    file: FileIO | None = None
    data: bytes = b""
    spans: Mapping[int, tuple[int, int]] = {}
    formats: Mapping[int, str] = {}

    def read(self, rendition: int) -> bytes:
        """Return the bytes of a rendition.

        Raises:
            KeyError: it is not Written.
        """
        offset, size = self.spans[rendition]
        if self.file is None:
            return self.data[offset : offset + size]
        return os.pread(self.file.fileno(), size, offset)

    @property
    def size(self) -> int:
        """Bytes of all renditions together."""
        return sum(size for _, size in self.spans.values())

    def close(self) -> None:
        """Free the memory."""
        if self.file is not None:
            self.file.close()


class Inspection(Struct, frozen=True):
    """A picture that was inspected, or could not be.

    Attributes:
        result: as of a Rendering; its outcome says why the picture could not be inspected, and is missing otherwise.
        found: what the picture is; None if it could not be inspected.
    """

    result: JobResult
    found: Inspected | None = None


def lost_result() -> TaskResult[None, Any]:
    """Return the result of a task whose supervisor died each time."""
    outcome = WireOutcome(None, Failed(Reason.INTERRUPTED, LOST), ())
    return Completed(item=None, result=[outcome], attempts=2, worker=0, seconds=0.0, stderr="")


def to_inspection(job: Job, returned: TaskResult[None, Any]) -> Inspection:
    """Return the inspection of a job whose worker may have been taken over by its picture."""
    result: Any = replace(returned, item=job)
    if not isinstance(returned, Completed):
        return Inspection(result)
    found, files = _unpack(returned.result)
    if isinstance(found, Inspected) and not files:
        return Inspection(replace(result, result=[]), found)
    if isinstance(found, list) and found and not any(_written(found)) and not files:
        return Inspection(replace(result, result=found))
    return Inspection(replace(result, result=[_refuse(files, "the size of its picture")]))


def to_rendering(job: Job, returned: TaskResult[None, Any]) -> Rendering:
    """Return the rendering of a job whose worker may have been taken over by its picture."""
    result: Any = replace(returned, item=job)
    if not isinstance(returned, Completed):
        return Rendering(result)
    found, files = _unpack(returned.result)
    if isinstance(found, Inspected):
        return Rendering(replace(result, result=[_refuse(files, "its outputs")]))
    outcomes, data = (found.outcomes, found.data) if isinstance(found, Inline) else (found, b"")
    spans = _spans(outcomes)
    end = sum(size for _, size in spans.values())
    parts = [len(data)] if data else []
    if [*parts, *(os.fstat(file.fileno()).st_size for file in files)] == ([end] if spans else []):
        formats = {rendition: detail.out_format for rendition, detail in _written(outcomes)}
        return Rendering(replace(result, result=outcomes), files[0] if files else None, data, spans, formats)
    return Rendering(replace(result, result=[_refuse(files, f"the {end} bytes of its outputs")]))


def _unpack(result: Any) -> tuple[Any, tuple[FileIO, ...]]:
    return (result.value, result.files) if isinstance(result, WithFiles) else (result, ())


def _refuse(files: tuple[FileIO, ...], expected: str) -> WireOutcome:
    """Close the files of a result that is not as expected; return the outcome that says so."""
    for file in files:
        file.close()
    return WireOutcome(None, Failed(Reason.PROTOCOL_VIOLATION, f"worker returned something else than {expected}"), ())


def _spans(outcomes: Sequence[WireOutcome]) -> dict[int, tuple[int, int]]:
    spans: dict[int, tuple[int, int]] = {}
    end = 0
    for rendition, detail in _written(outcomes):
        spans[rendition] = end, detail.out_bytes
        end += detail.out_bytes
    return spans


def _written(outcomes: Sequence[WireOutcome]) -> Iterator[tuple[int, Written]]:
    for each in outcomes:
        if isinstance(each.detail, Written) and each.rendition is not None:
            yield each.rendition, each.detail
