"""Tests of the small versions of pictures."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from forkresize.image.thumbnail import thumbnail

Draw = Callable[..., Path]


@pytest.mark.parametrize(("size", "expected"), [((640, 320), (100, 50)), ((320, 640), (50, 100)), ((40, 30), (40, 30))])
def test_it_fits_the_side_and_is_never_enlarged(
    size: tuple[int, int], expected: tuple[int, int], tmp_path: Path, draw: Draw
) -> None:
    made = thumbnail(str(draw(tmp_path / "a.png", size)), 100, str(tmp_path))
    assert made
    with Image.open(io.BytesIO(made)) as image:
        assert (image.format, image.size) == ("WEBP", expected)


def test_it_is_upright_and_tells_nothing_else(tmp_path: Path, draw: Draw) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Maker"
    path = draw(tmp_path / "a.jpg", (400, 200), exif=exif)
    made = thumbnail(str(path), 100, str(tmp_path))
    assert made
    with Image.open(io.BytesIO(made)) as image:
        assert image.size == (50, 100)
        assert not image.getexif()


def test_what_is_no_picture_has_none(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    assert thumbnail(str(tmp_path / "a.txt"), 100, str(tmp_path)) is None
    assert thumbnail(str(tmp_path / "missing.jpg"), 100, str(tmp_path)) is None
