"""What a worker without files does with a picture: bytes in; renditions out, or its size.

Sources and results that are small are parts of the messages; others cross as memfds.
"""

import os
import struct
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from io import BufferedReader, BytesIO, FileIO
from time import perf_counter
from typing import BinaryIO, Self

from msgspec import Struct, json
from msgspec.msgpack import Decoder, Encoder
from msgspec.structs import replace

from forkresize.batch.render_job import describe_rendered
from forkresize.batch.wire import OUTCOME_SERIALIZER, WireOutcome, encode_results
from forkresize.image.errors import failure_of
from forkresize.image.inspection import Inspected, inspect_picture
from forkresize.image.limits import limit_decoders
from forkresize.image.transform import Rendered, preload, render_each
from forkresize.image.watermark.files import use_contents
from forkresize.job import Job
from forkresize.outcome import Failed, Skipped, Written, truncate
from forkresize.pool import Serializer, WithFiles, reserve
from forkresize.recipe import Recipe, from_bytes
from forkresize.store.files import write_all

VERSION = 3
"""Version of the tasks. Increase it when their meaning changes."""

MAX_INLINE = 1 << 16
"""Bytes of a source, or of all renditions of a task, that are part of the message: copying them takes less time than
passing a file from process to process."""

_BUFFER = 1 << 16
"""Bytes read at once; Pillow's decoders ask for as much."""

_RECIPES = 16
"""Decoded recipes that a worker keeps."""


class InspectTask(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="inspect"):
    """A picture to inspect.

    Attributes:
        version: of the tasks.
        recipe: limits the picture's size, and says whether it is turned upright; see RenderTask.
        name: identifies the picture in messages; bytes, as it may be no text.
        content: of the picture; None if it comes as a file.
    """

    version: int
    recipe: bytes
    name: bytes
    content: bytes | None = None

    @classmethod
    def of(cls, job: Job, recipe: bytes, content: bytes | None = None) -> Self:
        """Return the task of a job, whose outputs do not matter."""
        return cls(VERSION, recipe, os.fsencode(job.source.path), content)


class RenderTask(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="render"):
    """A picture to render.

    Attributes:
        version: of the tasks.
        recipe: what to make of it, as ``recipe.to_bytes`` returns it.
        name: identifies the picture in messages; bytes, as it may be no text.
        renditions: indexes of the renditions to make.
        content: of the picture; None if it comes as a file.
    """

    version: int
    recipe: bytes
    name: bytes
    renditions: tuple[int, ...]
    content: bytes | None = None

    @classmethod
    def of(cls, job: Job, recipe: bytes, content: bytes | None = None) -> Self:
        """Return the task of a job."""
        renditions = tuple(each.rendition for each in job.outputs)
        return cls(VERSION, recipe, os.fsencode(job.source.path), renditions, content)


class Inline(Struct, frozen=True):
    """Outcomes, and the renditions that are Written, one after the other."""

    outcomes: list[WireOutcome]
    data: bytes


Task = RenderTask | InspectTask
Result = list[WireOutcome] | Inline | Inspected

_ENCODER = Encoder()
_DECODER = Decoder(Task)
_INSPECTED = json.Decoder(Inspected)
_OBJECT = b"{"
"""How the JSON of an Inspected begins; that of outcomes is an array."""

_INLINE = struct.Struct("<cI")
_INLINE_MARK = b"#"
"""How an Inline begins: a mark and the size of the JSON of its outcomes, which follows; then its data."""


def _encode_task(task: Task) -> bytes:
    return _ENCODER.encode(task)


def _decode_task(data: bytes | bytearray) -> Task:
    task: Task = _DECODER.decode(data)
    return task


def _encode_result(result: Result) -> bytes:
    if isinstance(result, Inspected):
        return json.encode(result)
    if isinstance(result, Inline):
        outcomes = _encode_result(result.outcomes)
        return _INLINE.pack(_INLINE_MARK, len(outcomes)) + outcomes + result.data
    return encode_results([(each.rendition, each.detail, each.warnings) for each in result])


def _decode_result(data: bytes | bytearray) -> Result:
    """Return what a worker has sent, its texts limited in length.

    Raises:
        ValueError: it is not what ``_encode_result`` returns.
    """
    if data.startswith(_INLINE_MARK):
        return _decode_inline(data)
    if not data.startswith(_OBJECT):
        outcomes: list[WireOutcome] = OUTCOME_SERIALIZER.decode(data)
        return outcomes
    found = _INSPECTED.decode(data)
    return replace(found, format=truncate(found.format))


def _decode_inline(data: bytes | bytearray) -> Inline:
    end = _INLINE.size + (_INLINE.unpack_from(data)[1] if len(data) >= _INLINE.size else 0)
    if end > len(data):
        raise ValueError("a result is cut off")
    return Inline(OUTCOME_SERIALIZER.decode(data[_INLINE.size : end]), bytes(data[end:]))


TASK_SERIALIZER = Serializer(_encode_task, _decode_task)
RESULT_SERIALIZER = replace(OUTCOME_SERIALIZER, encode=_encode_result, decode=_decode_result)


def preload_recipes(recipes: Sequence[bytes], contents: Mapping[str, bytes]) -> None:
    """Load all that rendering needs, and the files that these recipes name, so that workers share it.

    Args:
        recipes: as ``recipe.to_bytes`` returns them.
        contents: of files, by path, in place of those on the disk.

    Raises:
        FieldError: a recipe names a watermark or a font that cannot be used.
    """
    use_contents(contents)
    for recipe in recipes:
        preload(_decode_recipe(recipe))
    if not recipes:
        preload(Recipe())


def start_worker() -> None:
    """Prepare a worker process."""
    # Of standard error, the end is kept: a trace of calls would push out the message.
    os.environ["RUST_BACKTRACE"] = "0"


def render_task(task: WithFiles[Task] | Task) -> WithFiles[Result]:
    """Render or inspect a picture.

    Returns:
        Of a RenderTask, Written, Skipped or Failed for each rendition; one for all of them if the picture itself cannot
        be rendered. The renditions that are Written come with them, or in a file, one after the other.
        Of an InspectTask, what was found, or one Skipped or Failed.

    Raises:
        ValueError: the task is of another version.
        FieldError: the recipe is malformed, or names a file that was not loaded before.
    """
    work = task.value if isinstance(task, WithFiles) else task
    if work.version != VERSION:
        raise ValueError(f"task of version {work.version}, expected {VERSION}")
    recipe = _decode_recipe(work.recipe)
    limit_decoders(recipe.max_pixels)
    with _open(task) as source:
        if isinstance(work, InspectTask):
            return WithFiles(_inspect(work, recipe, source), ())
        output = _Output()
        return output.attach(list(_render(work, recipe, source, output)))


def _open(task: WithFiles[Task] | Task) -> BinaryIO:
    """Return the content of a task's picture."""
    if not isinstance(task, WithFiles):
        return BytesIO(task.content or b"")
    # The offset is that of all processes that have the file: a worker that died may have moved it.
    task.files[0].seek(0)
    return BufferedReader(task.files[0], _BUFFER)


def _inspect(task: InspectTask, recipe: Recipe, source: BinaryIO) -> Result:
    try:
        return inspect_picture(source, recipe, name=os.fsdecode(task.name), reserve=reserve)
    except Exception as error:  # noqa: BLE001 -- it is the picture's.
        return [WireOutcome(None, failure_of(error), ())]


class _Output:
    """The renditions: in memory, and in a memfd once they are too large for a message."""

    def __init__(self) -> None:
        self._parts: list[bytes | memoryview] = []
        self._size = 0
        self._file: FileIO | None = None

    def append(self, data: bytes | memoryview) -> None:
        """Add a rendition.

        Raises:
            OSError: there is no memory for it.
        """
        self._parts.append(data)
        self._size += len(data)
        if self._size <= MAX_INLINE:
            return
        if self._file is None:
            self._file = FileIO(os.memfd_create("output", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING), "r+b")
        for part in self._parts:
            write_all(self._file.fileno(), part)
        self._parts.clear()

    def attach(self, outcomes: list[WireOutcome]) -> WithFiles[Result]:
        """Return outcomes together with the renditions."""
        if self._file is not None:
            return WithFiles(outcomes, (self._file,))
        return WithFiles(Inline(outcomes, b"".join(self._parts)) if self._parts else outcomes, ())


def _render(task: RenderTask, recipe: Recipe, source: BinaryIO, output: _Output) -> Iterator[WireOutcome]:
    for result in render_each(source, recipe, task.renditions, name=os.fsdecode(task.name), reserve=reserve):
        yield WireOutcome(result.rendition, _store(result.detail, output), result.warnings)


def _store(detail: Rendered | Skipped | Failed, output: _Output) -> Written | Skipped | Failed:
    if not isinstance(detail, Rendered):
        return detail
    started = perf_counter()
    output.append(detail.data)
    return describe_rendered(detail, perf_counter() - started)


@lru_cache(maxsize=_RECIPES)
def _decode_recipe(data: bytes) -> Recipe:
    return from_bytes(data)
