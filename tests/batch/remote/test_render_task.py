"""The work of a worker without files, in this process."""

import os

import pytest

from forkresize.batch.remote.render_task import (
    RESULT_SERIALIZER,
    TASK_SERIALIZER,
    VERSION,
    RenderTask,
    preload_recipes,
    render_task,
)
from forkresize.errors import FieldError
from forkresize.job import Job, Output, Source
from forkresize.outcome import Written
from forkresize.pool import WithFiles, sealed_memfd
from forkresize.recipe import Recipe, to_bytes
from tests.batch.remote.conftest import DrawBytes

RECIPE = to_bytes(Recipe.of(width=(16, 32), format="webp"))
JOB = Job(Source("s3://b/a\udcff.jpg", "a\udcff.jpg"), (Output("a.webp", 0), Output("b.webp", 1)))


def test_task_crosses_as_bytes() -> None:
    task = RenderTask.of(JOB, RECIPE)
    assert TASK_SERIALIZER.decode(TASK_SERIALIZER.encode(task)) == task
    assert os.fsdecode(task.name) == JOB.source.path


def test_renditions_are_in_one_file_one_after_the_other(draw_bytes: DrawBytes) -> None:
    with sealed_memfd(draw_bytes(size=(64, 48))) as source:
        source.seek(7)  # Where a worker that died has left it.
        result = render_task(WithFiles(RenderTask.of(JOB, RECIPE), (source,)))
    outcomes = RESULT_SERIALIZER.decode(RESULT_SERIALIZER.encode(result.value))
    sizes = [each.detail.out_bytes for each in outcomes if isinstance(each.detail, Written)]
    with result.files[0] as file:
        data = os.pread(file.fileno(), 1 << 20, 0)
    assert len(data) == sum(sizes)
    assert [data[start : start + 4] for start in (0, sizes[0])] == [b"RIFF", b"RIFF"]


def test_other_version_is_refused(draw_bytes: DrawBytes) -> None:
    with sealed_memfd(b"x") as source, pytest.raises(ValueError, match=f"version 99, expected {VERSION}"):
        render_task(WithFiles(RenderTask(99, RECIPE, b"a", (0,)), (source,)))


def test_missing_watermark_is_found_before_any_picture() -> None:
    with pytest.raises(FieldError, match="watermark"):
        preload_recipes([to_bytes(Recipe.of(width=8, watermark="/missing/logo.png"))])
