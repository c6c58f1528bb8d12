"""What a worker without files does with a picture: bytes in by a memfd; renditions out by a memfd, or its size."""

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from io import BufferedReader, FileIO
from time import perf_counter
from typing import Self

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

VERSION = 2
"""Version of the tasks. Increase it when their meaning changes."""

_BUFFER = 1 << 16
"""Bytes read at once; Pillow's decoders ask for as much."""

_RECIPES = 16
"""Decoded recipes that a worker keeps."""


class InspectTask(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="inspect"):
    """A picture to inspect; its content comes as a file.

    Attributes:
        version: of the tasks.
        recipe: limits the picture's size, and says whether it is turned upright; see RenderTask.
        name: identifies the picture in messages; bytes, as it may be no text.
    """

    version: int
    recipe: bytes
    name: bytes

    @classmethod
    def of(cls, job: Job, recipe: bytes) -> Self:
        """Return the task of a job, whose outputs do not matter."""
        return cls(VERSION, recipe, os.fsencode(job.source.path))


class RenderTask(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="render"):
    """A picture to render; its content comes as a file.

    Attributes:
        version: of the tasks.
        recipe: what to make of it, as ``recipe.to_bytes`` returns it.
        name: identifies the picture in messages; bytes, as it may be no text.
        renditions: indexes of the renditions to make.
    """

    version: int
    recipe: bytes
    name: bytes
    renditions: tuple[int, ...]

    @classmethod
    def of(cls, job: Job, recipe: bytes) -> Self:
        """Return the task of a job."""
        return cls(VERSION, recipe, os.fsencode(job.source.path), tuple(each.rendition for each in job.outputs))


Task = RenderTask | InspectTask
Result = list[WireOutcome] | Inspected

_ENCODER = Encoder()
_DECODER = Decoder(Task)
_INSPECTED = json.Decoder(Inspected)
_OBJECT = b"{"
"""How the JSON of an Inspected begins; that of outcomes is an array."""


def _encode_task(task: Task) -> bytes:
    return _ENCODER.encode(task)


def _decode_task(data: bytes | bytearray) -> Task:
    task: Task = _DECODER.decode(data)
    return task


def _encode_result(result: Result) -> bytes:
    if isinstance(result, Inspected):
        return json.encode(result)
    return encode_results([(each.rendition, each.detail, each.warnings) for each in result])


def _decode_result(data: bytes | bytearray) -> Result:
    """Return what a worker has sent, its texts limited in length.

    Raises:
        ValueError: it is not what ``_encode_result`` returns.
    """
    if not data.startswith(_OBJECT):
        outcomes: list[WireOutcome] = OUTCOME_SERIALIZER.decode(data)
        return outcomes
    found = _INSPECTED.decode(data)
    return replace(found, format=truncate(found.format))


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


def render_task(task: WithFiles[Task]) -> WithFiles[Result]:
    """Render or inspect a picture.

    Returns:
        Of a RenderTask, Written, Skipped or Failed for each rendition; one for all of them if the picture itself cannot
        be rendered. Its file, if there is one, holds the renditions that are Written, one after the other.
        Of an InspectTask, what was found, or one Skipped or Failed.

    Raises:
        ValueError: the task is of another version.
        FieldError: the recipe is malformed, or names a file that was not loaded before.
    """
    if task.value.version != VERSION:
        raise ValueError(f"task of version {task.value.version}, expected {VERSION}")
    recipe = _decode_recipe(task.value.recipe)
    limit_decoders(recipe.max_pixels)
    # Its offset is that of all processes that have it: a worker that died may have moved it.
    task.files[0].seek(0)
    if isinstance(task.value, InspectTask):
        return WithFiles(_inspect(task.value, recipe, task.files[0]), ())
    output = _Output()
    outcomes: Result = list(_render(task.value, recipe, task.files[0], output))
    return WithFiles(outcomes, output.files)


def _inspect(task: InspectTask, recipe: Recipe, source: FileIO) -> Result:
    try:
        with BufferedReader(source, _BUFFER) as file:
            return inspect_picture(file, recipe, name=os.fsdecode(task.name), reserve=reserve)
    except Exception as error:  # noqa: BLE001 -- it is the picture's.
        return [WireOutcome(None, failure_of(error), ())]


class _Output:
    """The memfd of the renditions; created for the first one."""

    def __init__(self) -> None:
        self.files: tuple[FileIO, ...] = ()

    def append(self, data: bytes | memoryview) -> None:
        """Write a rendition.

        Raises:
            OSError: there is no memory for it.
        """
        if not self.files:
            self.files = (FileIO(os.memfd_create("output", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING), "r+b"),)
        view = memoryview(data)
        while view:
            view = view[self.files[0].write(view) :]


def _render(task: RenderTask, recipe: Recipe, source: FileIO, output: _Output) -> Iterator[WireOutcome]:
    with BufferedReader(source, _BUFFER) as file:
        for result in render_each(file, recipe, task.renditions, name=os.fsdecode(task.name), reserve=reserve):
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
