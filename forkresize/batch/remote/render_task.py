"""What a worker without files does with a picture: bytes in by a memfd, renditions out by a memfd."""

import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from io import BufferedReader, FileIO
from time import perf_counter
from typing import Self

from msgspec import Struct
from msgspec.msgpack import Decoder, Encoder
from msgspec.structs import replace

from forkresize.batch.render_job import describe_rendered
from forkresize.batch.wire import OUTCOME_SERIALIZER, WireOutcome, encode_results
from forkresize.image.limits import limit_decoders
from forkresize.image.transform import Rendered, preload, render_each
from forkresize.job import Job
from forkresize.outcome import Failed, Skipped, Written
from forkresize.pool import Serializer, WithFiles, reserve
from forkresize.recipe import Recipe, from_bytes

VERSION = 1
"""Version of the tasks. Increase it when their meaning changes."""

_BUFFER = 1 << 16
"""Bytes read at once; Pillow's decoders ask for as much."""

_RECIPES = 16
"""Decoded recipes that a worker keeps."""


class RenderTask(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
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


_ENCODER = Encoder()
_DECODER = Decoder(RenderTask)


def _encode_task(task: RenderTask) -> bytes:
    return _ENCODER.encode(task)


def _decode_task(data: bytes | bytearray) -> RenderTask:
    return _DECODER.decode(data)


def _encode_outcomes(outcomes: list[WireOutcome]) -> bytes:
    return encode_results([(each.rendition, each.detail, each.warnings) for each in outcomes])


TASK_SERIALIZER = Serializer(_encode_task, _decode_task)
RESULT_SERIALIZER = replace(OUTCOME_SERIALIZER, encode=_encode_outcomes)


def preload_recipes(recipes: Sequence[bytes]) -> None:
    """Load all that rendering needs, and the files that these recipes name, so that workers share it.

    Raises:
        FieldError: a recipe names a watermark or a font that cannot be used.
    """
    for recipe in recipes:
        preload(_decode_recipe(recipe))
    if not recipes:
        preload(Recipe())


def start_worker() -> None:
    """Prepare a worker process."""
    # Of standard error, the end is kept: a trace of calls would push out the message.
    os.environ["RUST_BACKTRACE"] = "0"


def render_task(task: WithFiles[RenderTask]) -> WithFiles[list[WireOutcome]]:
    """Render a picture.

    Returns:
        Written, Skipped or Failed for each rendition; one for all of them if the picture itself cannot be rendered.
        Its file, if there is one, holds the renditions that are Written, one after the other.

    Raises:
        ValueError: the task is of another version.
        FieldError: the recipe is malformed, or names a file that was not loaded before.
    """
    if task.value.version != VERSION:
        raise ValueError(f"task of version {task.value.version}, expected {VERSION}")
    recipe = _decode_recipe(task.value.recipe)
    limit_decoders(recipe.max_pixels)
    output = _Output()
    outcomes = list(_render(task.value, recipe, task.files[0], output))
    return WithFiles(outcomes, output.files)


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
    # Its offset is that of all processes that have it: a worker that died may have moved it.
    source.seek(0)
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
