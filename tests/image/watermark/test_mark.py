import os
from pathlib import Path

import pytest
from PIL import Image

from forkresize.errors import FieldError
from forkresize.image.watermark.mark import margin, mark, prepare
from forkresize.recipe import Watermark


@pytest.fixture
def logo(tmp_path: Path) -> str:
    path = tmp_path / "logo.png"
    Image.new("RGBA", (60, 30), (255, 0, 0, 200)).save(path)
    return str(path)


@pytest.mark.parametrize(
    ("size", "scale", "expected"),
    [
        ((400, 200), 15, (30, 15)),
        ((200, 400), 15, (30, 15)),
        ((400, 400), 100, (384, 192)),
        ((400, 100), 100, (100, 50)),
        ((3, 3), 1, (1, 1)),
        ((1, 1), 100, (1, 1)),
    ],
)
def test_the_longer_side_of_a_picture_is_a_share_of_the_shorter_side_within_the_margins(
    logo: str, size: tuple[int, int], scale: float, expected: tuple[int, int]
) -> None:
    assert mark(Watermark(image=logo, scale=scale), size).size == expected


def test_a_text_stays_within_the_margins() -> None:
    image = mark(Watermark(text="a rather long line of text", scale=50, margin=10), (300, 200))
    assert image.width <= 300 - 2 * 20
    assert image.height <= 200 - 2 * 20


@pytest.mark.parametrize(("gravity", "is_level"), [("center", True), (None, False)])
def test_a_tiled_text_is_slanted(gravity: str | None, is_level: bool) -> None:
    image = mark(Watermark(text="HHHH", gravity=gravity), (900, 900))  # type: ignore[arg-type]
    assert (image.height < image.width / 2) is is_level


@pytest.mark.parametrize("gravity", ["west", "east", "north"])
def test_lines_are_aligned_as_the_gravity_says(gravity: str) -> None:
    image = mark(Watermark(text="HHHHHH\nHH", gravity=gravity), (600, 600)).getchannel("A")  # type: ignore[arg-type]
    lower = image.crop((0, image.height * 3 // 4, *image.size)).getbbox()
    assert lower is not None
    assert (lower[0] < 4) is (gravity == "west")
    assert (lower[2] > image.width - 4) is (gravity == "east")


@pytest.mark.parametrize(("opacity", "alpha"), [(1.0, 200), (0.5, 100), (0.0, 0)])
def test_opacity_scales_the_alpha(logo: str, opacity: float, alpha: int) -> None:
    image = mark(Watermark(image=logo, opacity=opacity), (400, 400))
    assert image.getchannel("A").getpixel((15, 8)) == alpha


def test_a_margin_is_a_share_of_the_shorter_side() -> None:
    assert margin(Watermark(text="a", margin=2), (300, 800)) == 6
    assert margin(Watermark(text="a", margin=0), (300, 800)) == 0


def test_outputs_of_one_size_share_a_mark_and_the_file_is_read_once(logo: str) -> None:
    step = Watermark(image=logo)
    prepare(step)
    os.unlink(logo)
    assert mark(step, (320, 200)) is mark(Watermark(image=logo), (320, 200))
    assert mark(step, (320, 200)) is not mark(step, (321, 200))


@pytest.mark.parametrize(
    ("field", "step"),
    [("watermark", Watermark(image="missing.png")), ("watermark_font", Watermark(text="a", font="missing.ttf"))],
)
def test_missing_files_and_glyphs_are_reported_before_any_work(field: str, step: Watermark) -> None:
    with pytest.raises(FieldError, match="No such file") as caught:
        prepare(step)
    assert caught.value.field == field


def test_a_text_is_ready_after_preparing(latin: str) -> None:
    step = Watermark(text="Jane", font=latin)
    prepare(step)
    os.unlink(latin)
    assert mark(step, (300, 300)).mode == "LA"
