"""Thumbnails, some of whose pictures crash a worker."""

import io
import os
import random
import signal
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from forkresize.batch import thumbnails as module
from forkresize.batch.thumbnails import draw_excerpt, make_thumbnails
from forkresize.report.html.excerpt import Excerpt
from tests.protocols import Draw


def _deadly(excerpt: Excerpt, **_: object) -> bytes | None:
    if "deadly" in excerpt.path:
        os.kill(os.getpid(), signal.SIGKILL)
    return draw_excerpt(excerpt)


def test_thumbnails_are_made_of_all_valid_pictures(tmp_path: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "draw_excerpt", _deadly)
    good = [Excerpt(str(draw(tmp_path / f"{number}.jpg", seed=number))) for number in range(3)]
    deadly = Excerpt(str(draw(tmp_path / "deadly.jpg")))
    missing = Excerpt(str(tmp_path / "missing.jpg"))
    beyond = Excerpt(good[0].path, (1 << 62, 0, 10, 10))
    made = make_thumbnails([good[0], deadly, missing, beyond, *good[1:]], workers=1)
    assert set(made) == set(good)
    assert all(picture.startswith(b"RIFF") for picture in made.values())


def test_no_thumbnail_is_started_after_the_time_budget(
    tmp_path: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_TIME_BUDGET", -1.0)
    pictures = [Excerpt(str(draw(tmp_path / f"{number}.jpg", seed=number))) for number in range(30)]
    made = make_thumbnails(pictures, workers=1)
    assert 1 <= len(made) <= 3


@pytest.mark.parametrize(
    ("size", "expected"), [((640, 320), (320, 160)), ((320, 640), (160, 320)), ((40, 30), (40, 30))]
)
def test_a_thumbnail_fits_the_side_and_is_never_enlarged(
    size: tuple[int, int], expected: tuple[int, int], tmp_path: Path, draw: Draw
) -> None:
    made = draw_excerpt(Excerpt(str(draw(tmp_path / "a.png", size))))
    assert made
    with Image.open(io.BytesIO(made)) as image:
        assert (image.format, image.size) == ("WEBP", expected)


def test_a_thumbnail_is_upright_and_has_no_metadata(tmp_path: Path, draw: Draw) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Maker"
    path = draw(tmp_path / "a.jpg", (800, 400), exif=exif)
    made = draw_excerpt(Excerpt(str(path)))
    assert made
    with Image.open(io.BytesIO(made)) as image:
        assert image.size == (160, 320)
        assert not image.getexif()


def test_a_file_that_is_not_a_picture_has_no_thumbnail(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    assert draw_excerpt(Excerpt(str(tmp_path / "a.txt"))) is None
    assert draw_excerpt(Excerpt(str(tmp_path / "missing.jpg"))) is None


def test_a_part_has_the_very_pixels_of_its_file(tmp_path: Path, draw: Draw) -> None:
    path = draw(tmp_path / "a.jpg", (400, 300), quality=30)
    made = draw_excerpt(Excerpt(str(path), (70, 50, 256, 192)))
    assert made
    with Image.open(path) as whole, Image.open(io.BytesIO(made)) as part:
        assert part.convert("RGB").tobytes() == whole.crop((70, 50, 326, 242)).tobytes()


def test_a_part_of_a_turned_source_is_reduced_to_the_size_of_the_output(tmp_path: Path, draw: Draw) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = draw(tmp_path / "a.png", (800, 400), exif=exif)
    made = draw_excerpt(Excerpt(str(path), (100, 200, 200, 400), (50, 100)))
    assert made
    with Image.open(path) as whole, Image.open(io.BytesIO(made)) as part:
        assert part.size == (50, 100)
        expected = whole.transpose(Image.Transpose.ROTATE_270).crop((100, 200, 300, 600)).resize((50, 100))
        difference = ImageChops.difference(part.convert("RGB"), expected).convert("L")
        assert max(difference.tobytes()) <= 8


def test_the_largest_part_takes_at_most_150_kilobytes(tmp_path: Path) -> None:
    noise = Image.frombytes("RGB", (300, 300), random.Random(1).randbytes(300 * 300 * 3))  # noqa: S311 (seeded on purpose)
    noise.save(tmp_path / "a.png")
    made = draw_excerpt(Excerpt(str(tmp_path / "a.png"), (0, 0, 256, 192)))
    assert made
    assert len(made) <= 150_000
