"""The canvas of contain."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from forkresize.outcome import Failed, Outcome, Reason

Make = Callable[..., Image.Image]

WIDE = {"width": 40, "height": 40, "fit": "contain"}


@pytest.mark.parametrize(("gravity", "top"), [("north", 0), ("center", 10), ("south", 20), ("south-east", 20)])
def test_the_picture_sits_where_gravity_says(gravity: str, top: int, make: Make) -> None:
    made = make(Image.new("RGB", (80, 40), "red"), **WIDE, gravity=gravity, background=(0, 0, 255, 255))
    assert made.size == (40, 40)
    assert made.crop((0, top, 40, top + 20)).getcolors() == [(800, (255, 0, 0))]
    assert sorted(made.getcolors() or []) == [(800, (0, 0, 255)), (800, (255, 0, 0))]


def test_a_small_picture_is_not_enlarged_but_its_canvas_is_the_box(make: Make) -> None:
    made = make(Image.new("RGB", (8, 4), "red"), **WIDE, background=(0, 0, 255, 255))
    assert sorted(made.getcolors() or []) == [(32, (255, 0, 0)), (1568, (0, 0, 255))]
    assert made.getpixel((16, 18)) == made.getpixel((23, 21)) == (255, 0, 0)


@pytest.mark.parametrize(
    ("mode", "background", "becomes", "corner"),
    [
        ("L", (9, 9, 9, 255), "L", 9),
        ("L", (9, 8, 7, 255), "RGB", (9, 8, 7)),
        ("L", (9, 9, 9, 100), "LA", (9, 100)),
        ("L", (9, 8, 7, 100), "RGBA", (9, 8, 7, 100)),
        ("LA", (9, 9, 9, 255), "LA", (9, 255)),
        ("LA", (9, 8, 7, 255), "RGBA", (9, 8, 7, 255)),
        ("RGB", (9, 8, 7, 255), "RGB", (9, 8, 7)),
        ("RGB", (9, 8, 7, 0), "RGBA", (9, 8, 7, 0)),
        ("RGBA", (9, 8, 7, 100), "RGBA", (9, 8, 7, 100)),
        ("I;16", (200, 200, 200, 255), "I;16", 200 * 257),
    ],
)
def test_the_canvas_has_the_background_s_color_and_alpha(
    mode: str, background: Any, becomes: str, corner: Any, make: Make
) -> None:
    image = Image.new("RGBA", (80, 40), (50, 60, 70, 80)).convert(mode) if mode != "I;16" else Image.new(mode, (80, 40))
    made = make(image, "a.png", **WIDE, background=background)
    assert made.mode == becomes
    assert made.getpixel((0, 0)) == corner


@pytest.mark.parametrize("mode", ["F", "I"])
def test_deep_pixels_are_padded_as_well(mode: str, make: Make) -> None:
    image = Image.new(mode, (80, 40), -5)
    made = make(image, "a.tif", **WIDE, background=(255, 255, 255, 255))
    assert made.mode == mode
    assert made.getpixel((0, 0)) == (1 if mode == "F" else 65_535)
    assert made.getpixel((20, 20)) == -5


@pytest.mark.parametrize(("background", "becomes"), [((255, 255, 255, 0), "LA"), ((255, 0, 0, 255), "RGB")])
def test_16_bit_gray_is_reduced_to_8_bits_for_a_background_it_cannot_show(
    background: Any, becomes: str, result: Callable[..., Outcome], tmp_path: Path
) -> None:
    file = io.BytesIO()
    Image.new("I;16", (60, 20), 30_000).save(file, "PNG")
    outcome = result(file.getvalue(), "a.png", width=30, height=30, fit="contain", background=background)
    assert outcome.warnings == ("reduced from 16 to 8 bits per channel, for a colored or translucent background",)
    with Image.open(tmp_path / "out/a.png") as made:
        assert made.mode == becomes
        corner, middle = made.getpixel((0, 0)), made.getpixel((15, 15))
    assert corner == ((255, 0) if becomes == "LA" else (255, 0, 0))
    assert middle == ((117, 255) if becomes == "LA" else (117, 117, 117))


def test_float_pixels_take_no_background_in_color(result: Callable[..., Outcome]) -> None:
    file = io.BytesIO()
    Image.new("F", (60, 20), 0.5).save(file, "TIFF")
    outcome = result(file.getvalue(), "a.tif", width=30, height=30, fit="contain", background=(255, 0, 0, 255))
    assert isinstance(outcome.detail, Failed)
    assert outcome.reason is Reason.UNSUPPORTED


def test_a_jpeg_ignores_the_alpha_of_the_background(make: Make) -> None:
    made = make(Image.new("RGB", (80, 40), "red"), "a.jpg", **WIDE, background=(0, 255, 0, 0))
    assert made.getpixel((2, 2)) == pytest.approx((0, 255, 0), abs=4)
