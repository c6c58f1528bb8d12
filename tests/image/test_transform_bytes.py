"""The public function: a picture's bytes in, its renditions' bytes out."""

import io
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest
from PIL import Image, ImageFile

import forkresize
from forkresize import PictureError, Reason, Recipe, Rendered, transform
from forkresize.outcome import Written

Scene = Callable[..., Image.Image]


class OneWay(io.RawIOBase):
    """A stream that can be read only once, such as an upload."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        return self._file.readinto(buffer)


def coded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    image.save(file := io.BytesIO(), kind, **options)
    return file.getvalue()


SOURCES = ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "AVIF"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", SOURCES)
def test_bytes_streams_and_paths_give_identical_bytes(kind: str, scene: Scene, tmp_path: Path) -> None:
    data = coded(scene(size=(400, 300)), kind)
    recipe = Recipe.of(width=[120, 60], format=["webp", "jpeg"])
    expected = [rendered.data for rendered in transform(data, recipe)]
    assert len(expected) == 4
    later = io.BytesIO(b"head" + data)
    later.seek(4)
    for stream in (io.BytesIO(data), cast("BinaryIO", OneWay(data)), later):
        assert [rendered.data for rendered in transform(stream, recipe)] == expected
    (tmp_path / "a").write_bytes(data)
    for number, rendition in enumerate(recipe.renditions):
        outcome = forkresize.render(
            tmp_path / "a", tmp_path / "b", Recipe.of(width=rendition.size.width, format=rendition.format)
        )
        assert isinstance(outcome.detail, Written)
        if rendition.size.width == 120:
            assert (tmp_path / "b").read_bytes() == expected[number]


def test_a_rendition_is_described(scene: Scene) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    [rendered] = transform(coded(scene(), exif=exif), Recipe.of(width=40, format="webp", quality=70))
    assert (rendered.rendition, rendered.format, rendered.media_type) == (0, "webp", "image/webp")
    assert (rendered.size, rendered.source_size, rendered.source_format) == ((40, 60), (80, 120), "jpeg")
    assert (rendered.quality, rendered.ssim, rendered.warnings) == (70, None, ())
    assert min(rendered.timings.decode, rendered.timings.resize, rendered.timings.encode) > 0
    with Image.open(io.BytesIO(rendered.data)) as image:
        assert (image.format, image.size) == ("WEBP", (40, 60))


def test_a_rendition_that_equals_a_smaller_one_is_left_out(scene: Scene) -> None:
    rendered = transform(coded(scene()), Recipe.of(width=[60, 120, 500]))
    assert [each.rendition for each in rendered] == [0, 1]


def test_warnings_come_with_the_rendition(scene: Scene) -> None:
    image = scene("I;16")
    [rendered] = transform(coded(image, "PNG"), Recipe.of(width=40, blur=1))
    assert rendered.warnings[0].startswith("reduced from 16 to 8 bits")


@pytest.mark.parametrize(
    ("data", "options", "reason"),
    [
        (b"", {}, Reason.NOT_A_PICTURE),
        (b"plain text", {}, Reason.NOT_A_PICTURE),
        (b"\xff\xd8\xff", {}, Reason.DAMAGED),
        (coded(Image.new("L", (40, 40))), {"max_pixels": 1599}, Reason.TOO_LARGE),
        (coded(Image.new("L", (20, 20))), {"max_file_size": 99}, Reason.FILE_TOO_LARGE),
        (
            coded(Image.new("L", (20, 20)), "WEBP"),
            {"width": 17_000, "height": 10, "fit": "fill", "enlarge": True},
            Reason.UNSUPPORTED,
        ),
    ],
)
def test_a_picture_that_cannot_be_rendered_raises_its_reason(
    data: bytes, options: dict[str, Any], reason: Reason
) -> None:
    for source in (data, io.BytesIO(data), cast("BinaryIO", OneWay(data))):
        with pytest.raises(PictureError, match=r".") as raised:
            transform(source, Recipe.of(**options))
        assert raised.value.reason is reason


def test_a_name_is_a_hint_for_formats_without_a_signature(scene: Scene) -> None:
    data = coded(scene(), "TGA")
    with pytest.raises(PictureError):
        transform(data, Recipe.of(width=40, format="png"))
    [rendered] = transform(data, Recipe.of(width=40, format="png"), name="upload.tga")
    assert rendered.source_format == "tga"


def test_pillow_s_settings_and_the_process_stay_as_they_are(scene: Scene) -> None:
    before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, threading.active_count()
    data = coded(scene(size=(400, 300)))
    transform(data[: len(data) // 2], Recipe.of(width=40, on_truncated="salvage", max_pixels=200_000))
    assert before == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, threading.active_count())
    with pytest.raises(OSError, match="truncated"):
        Image.open(io.BytesIO(data[: len(data) // 2])).load()


def test_threads_render_at_the_same_time_without_mixing_results(scene: Scene) -> None:
    sources = [coded(scene(size=(300, 200)).rotate(angle)) for angle in range(0, 80, 10)]
    recipe = Recipe.of(width=90, format="webp")
    expected = [transform(data, recipe)[0].data for data in sources]
    found: dict[int, Rendered] = {}

    def work(number: int) -> None:
        [found[number]] = transform(sources[number], recipe)

    before = warnings.showwarning, list(warnings.filters)
    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(sources))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[number].data for number in range(len(sources))] == expected
    assert before == (warnings.showwarning, list(warnings.filters))
