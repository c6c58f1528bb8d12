"""The work of a worker without files, in this process."""

import os
from typing import cast

import pytest
from PIL import Image

from forkresize.batch.remote.render_task import (
    RESULT_SERIALIZER,
    TASK_SERIALIZER,
    VERSION,
    Inline,
    InspectTask,
    RenderTask,
    preload_recipes,
    render_task,
)
from forkresize.batch.wire import WireOutcome
from forkresize.errors import FieldError
from forkresize.image.inspection import Inspected
from forkresize.job import Job, Output, Source
from forkresize.outcome import MAX_TEXT, Failed, Reason, Skipped, Written
from forkresize.pool import WithFiles, sealed_memfd
from forkresize.recipe import Recipe, to_bytes
from tests.batch.remote.transferring import DrawBytes

RECIPE = to_bytes(Recipe.of(width=(16, 32), format="webp"))
JOB = Job(Source("s3://b/a\udcff.jpg", "a\udcff.jpg"), (Output("a.webp", 0), Output("b.webp", 1)))


@pytest.fixture(autouse=True)
def own_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker sets Pillow's limit for all of its process, which is that of other tests here."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)


def test_task_crosses_as_bytes() -> None:
    task = RenderTask.of(JOB, RECIPE)
    assert TASK_SERIALIZER.decode(TASK_SERIALIZER.encode(task)) == task
    assert os.fsdecode(task.name) == JOB.source.path


@pytest.mark.parametrize("limit", [1 << 16, 20, 1])
def test_renditions_are_one_after_the_other_in_the_message_or_in_a_file(
    draw_bytes: DrawBytes, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr("forkresize.batch.remote.render_task.MAX_INLINE", limit)
    with sealed_memfd(draw_bytes(size=(64, 48))) as source:
        source.seek(7)  # Where a worker that died has left it.
        result = render_task(WithFiles(RenderTask.of(JOB, RECIPE), (source,)))
    found = RESULT_SERIALIZER.decode(RESULT_SERIALIZER.encode(result.value))
    if isinstance(found, Inline):
        outcomes, data = found.outcomes, found.data
    else:
        outcomes = cast("list[WireOutcome]", found)
        with result.files[0] as file:
            data = os.pread(file.fileno(), 1 << 20, 0)
    assert isinstance(found, Inline) == (limit == 1 << 16) == (not result.files)
    sizes = [each.detail.out_bytes for each in outcomes if isinstance(each.detail, Written)]
    assert len(data) == sum(sizes)
    assert [data[start : start + 4] for start in (0, sizes[0])] == [b"RIFF", b"RIFF"]


def test_small_picture_crosses_in_its_task(draw_bytes: DrawBytes) -> None:
    task = RenderTask.of(JOB, RECIPE, draw_bytes(size=(64, 48)))
    result = render_task(TASK_SERIALIZER.decode(TASK_SERIALIZER.encode(task)))
    assert isinstance(result.value, Inline)


@pytest.mark.parametrize("data", [b"#", b"#\0\0\0", b"#\2\0\0\0[", b"#\xff\xff\xff\xff[]", b"#\0\0\0\0"])
def test_message_with_renditions_that_is_cut_off_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"cut off|truncated"):
        RESULT_SERIALIZER.decode(data)


def test_other_version_is_refused(draw_bytes: DrawBytes) -> None:
    with sealed_memfd(b"x") as source, pytest.raises(ValueError, match=f"version 99, expected {VERSION}"):
        render_task(WithFiles(RenderTask(99, RECIPE, b"a", (0,)), (source,)))


def inspect(data: bytes, recipe: bytes = RECIPE) -> object:
    with sealed_memfd(data) as source:
        source.seek(7)
        task = TASK_SERIALIZER.decode(TASK_SERIALIZER.encode(InspectTask.of(JOB, recipe)))
        result = render_task(WithFiles(task, (source,)))
    assert not result.files
    return RESULT_SERIALIZER.decode(RESULT_SERIALIZER.encode(result.value))


def test_picture_is_inspected(draw_bytes: DrawBytes) -> None:
    assert inspect(draw_bytes("a.png", size=(64, 48))) == Inspected(64, 48, "png", 1)


def test_picture_that_cannot_be_inspected_has_an_outcome(draw_bytes: DrawBytes) -> None:
    assert inspect(b"no picture") == [WireOutcome(None, Skipped(Reason.NOT_A_PICTURE), ())]
    recipe = to_bytes(Recipe(max_pixels=2000))
    (outcome,) = cast("list[WireOutcome]", inspect(draw_bytes("a.png", size=(64, 48)), recipe))
    assert isinstance(outcome.detail, Failed)
    assert outcome.detail.reason is Reason.TOO_LARGE


@pytest.mark.parametrize(
    "data",
    [
        b'{"width":0,"height":1,"format":"png","frames":1}',
        b'{"width":1,"height":-1,"format":"png","frames":1}',
        b'{"width":99999999999,"height":1,"format":"png","frames":1}',
        b'{"width":1,"height":1,"format":"png"}',
        b'{"width":1,"height":1,"format":"png","frames":1,"more":1}',
        b"{",
    ],
)
def test_impossible_size_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"Expected|missing|unknown|truncated"):
        RESULT_SERIALIZER.decode(data)


def test_name_of_a_format_is_limited_in_length() -> None:
    data = b'{"width":1,"height":1,"format":"%s","frames":1}' % (b"x" * 10_000)
    assert len(RESULT_SERIALIZER.decode(data).format) == MAX_TEXT


def test_missing_watermark_is_found_before_any_picture() -> None:
    with pytest.raises(FieldError, match="watermark"):
        preload_recipes([to_bytes(Recipe.of(width=8, watermark="/missing/logo.png"))], {})
