"""Thumbnails, some of whose pictures crash a worker."""

import io
import os
import signal
from pathlib import Path

import pytest
from PIL import Image

from forkresize.batch import thumbnails as module
from forkresize.batch.thumbnails import make_thumbnails, thumbnail
from tests.protocols import Draw


def _deadly(path: str, side: int, **_: object) -> bytes | None:
    if "deadly" in path:
        os.kill(os.getpid(), signal.SIGKILL)
    return thumbnail(path, side)


def test_thumbnails_are_made_of_all_valid_pictures(tmp_path: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "thumbnail", _deadly)
    good = [str(draw(tmp_path / f"{number}.jpg", seed=number)) for number in range(3)]
    deadly = str(draw(tmp_path / "deadly.jpg"))
    made = make_thumbnails([good[0], deadly, str(tmp_path / "missing.jpg"), *good[1:]], workers=1)
    assert set(made) == set(good)
    assert all(picture.startswith(b"RIFF") for picture in made.values())


def test_no_thumbnail_is_started_after_the_time_budget(
    tmp_path: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_TIME_BUDGET", -1.0)
    made = make_thumbnails([str(draw(tmp_path / f"{number}.jpg", seed=number)) for number in range(30)], workers=1)
    assert 1 <= len(made) <= 3


@pytest.mark.parametrize(("size", "expected"), [((640, 320), (100, 50)), ((320, 640), (50, 100)), ((40, 30), (40, 30))])
def test_a_thumbnail_fits_the_side_and_is_never_enlarged(
    size: tuple[int, int], expected: tuple[int, int], tmp_path: Path, draw: Draw
) -> None:
    made = thumbnail(str(draw(tmp_path / "a.png", size)), 100)
    assert made
    with Image.open(io.BytesIO(made)) as image:
        assert (image.format, image.size) == ("WEBP", expected)


def test_a_thumbnail_is_upright_and_has_no_metadata(tmp_path: Path, draw: Draw) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Maker"
    path = draw(tmp_path / "a.jpg", (400, 200), exif=exif)
    made = thumbnail(str(path), 100)
    assert made
    with Image.open(io.BytesIO(made)) as image:
        assert image.size == (50, 100)
        assert not image.getexif()


def test_a_file_that_is_not_a_picture_has_no_thumbnail(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    assert thumbnail(str(tmp_path / "a.txt"), 100) is None
    assert thumbnail(str(tmp_path / "missing.jpg"), 100) is None
