from collections.abc import Callable
from math import hypot

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageStat

from forkresize.image.steps.rotate import rotate_any_angle, rotated_size

WHITE = 255, 255, 255, 255

sides = st.integers(1, 20_000)
angles = st.floats(-360, 360)


@given(sides, sides, angles)
def test_the_canvas_holds_the_corners_to_half_a_pixel(width: int, height: int, degrees: float) -> None:
    across, down = rotated_size((width, height), degrees)
    assert across <= hypot(width, height) + 0.5
    assert across >= min(width, height) / 2
    assert rotated_size((height, width), degrees) == (down, across)
    assert rotated_size((width, height), -degrees) == (across, down)
    assert rotated_size((width, height), degrees + 180) == pytest.approx((across, down), abs=1)


@given(sides, sides, st.integers(-4, 4))
def test_quarter_turns_are_exact(width: int, height: int, quarters: int) -> None:
    assert rotated_size((width, height), 90 * quarters) == ((height, width) if quarters % 2 else (width, height))


def test_the_canvas_is_the_projection_of_the_sides() -> None:
    assert rotated_size((400, 300), 30) == (496, 460)
    assert rotated_size((400, 300), 45) == (495, 495)
    assert rotated_size((1, 1), 30) == (1, 1)


@pytest.mark.parametrize("degrees", [0, 90, 180, 270, -90])
def test_a_quarter_only_moves_pixels(noise: Callable[..., Image.Image], degrees: int) -> None:
    image = noise("RGB", (31, 18))
    turned = rotate_any_angle(image, degrees, image.size, WHITE, 1)
    assert turned.tobytes() == image.rotate(-degrees, expand=True).tobytes()


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_rotating_back_restores_the_middle(scene: Callable[..., Image.Image], mode: str) -> None:
    image = scene("RGB", (236, 164)).convert(mode)
    there = rotate_any_angle(image, 30, image.size, WHITE, 1)
    back = rotate_any_angle(there, -30, there.size, WHITE, 1)
    # Margins of whole pixels, or else the two would be half a pixel apart.
    assert (back.width - image.width) % 2 == (back.height - image.height) % 2 == 0
    left, top = (back.width - image.width) // 2, (back.height - image.height) // 2
    middle = back.crop((left + 90, top + 4, left + 120, top + 157)).convert("RGB")
    assert max(ImageStat.Stat(ImageChops.difference(middle, image.crop((90, 4, 120, 157)).convert("RGB"))).rms) < 3


@given(angles)
def test_the_center_does_not_move(degrees: float) -> None:
    ramp = Image.new("L", (61, 41))
    ramp.putdata([4 * x for _y in range(41) for x in range(61)])
    turned = rotate_any_angle(ramp, degrees, ramp.size, WHITE, 1)
    width, height = turned.size
    middle = turned.crop(((width - 1) // 2, (height - 1) // 2, width // 2 + 1, height // 2 + 1))
    assert ImageStat.Stat(middle).mean == [pytest.approx(4 * 30, abs=1)]


def test_rotation_is_clockwise() -> None:
    image = Image.new("RGB", (41, 41), "blue")
    image.paste((255, 0, 0), (0, 0, 41, 5))
    turned = rotate_any_angle(image, 45, image.size, WHITE, 1)
    assert turned.getpixel((turned.width * 3 // 4, turned.height // 4 + 3)) == (255, 0, 0)
    assert turned.getpixel((turned.width // 4 + 3, turned.height // 4 + 3)) == (0, 0, 255)


@pytest.mark.parametrize(
    ("mode", "background", "expected", "corner"),
    [
        ("L", (9, 9, 9, 255), "L", 9),
        ("L", (200, 0, 0, 255), "RGB", (200, 0, 0)),
        ("L", (9, 9, 9, 0), "LA", (0, 0)),
        ("RGB", (200, 0, 0, 255), "RGB", (200, 0, 0)),
        ("RGB", (200, 0, 0, 51), "RGBA", (200, 0, 0, 51)),
        ("LA", (200, 0, 0, 255), "LA", (0, 0)),
        ("RGBA", (200, 0, 0, 255), "RGBA", (0, 0, 0, 0)),
        ("RGBA", (200, 0, 0, 51), "RGBA", (200, 0, 0, 51)),
    ],
)
def test_corners_show_the_background_or_stay_transparent(
    mode: str, background: tuple[int, int, int, int], expected: str, corner: object
) -> None:
    turned = rotate_any_angle(Image.new("RGBA", (30, 20), (80, 80, 80, 255)).convert(mode), 33, (30, 20), background, 1)
    assert turned.mode == expected
    assert turned.getpixel((0, 0)) == corner


@given(st.floats(1, 89))
def test_edges_are_antialiased_without_halos(degrees: float) -> None:
    turned = rotate_any_angle(Image.new("L", (50, 40), 100), degrees, (50, 40), (0, 0, 0, 255), 1)
    assert max(turned.tobytes()) == 100
    assert len(set(turned.tobytes())) > 5
    assert sum(turned.tobytes()) / 100 == pytest.approx(50 * 40, rel=0.01)


def test_colors_of_transparent_pixels_do_not_bleed() -> None:
    image = Image.new("RGBA", (60, 60), (255, 255, 255, 0))
    image.paste((50, 50, 50, 255), (20, 20, 40, 40))
    turned = rotate_any_angle(image, 30, image.size, WHITE, 1)
    seen = turned.getchannel("A").point(lambda level: 255 if level > 40 else 0)
    assert max(ImageChops.darker(turned.getchannel("R"), seen).tobytes()) <= 66


@pytest.mark.parametrize("reduction", [2, 4, 8])
@pytest.mark.parametrize("size", [(480, 320), (483, 317), (487, 321)])
def test_a_reduced_picture_turns_like_the_whole(
    scene: Callable[..., Image.Image], size: tuple[int, int], reduction: int
) -> None:
    image = scene("RGB", size)
    # As JPEG's decoder does, which goes on with the last pixels.
    filled = Image.new("RGB", tuple(-(-side // reduction) * reduction for side in size))  # type: ignore[arg-type]
    filled.paste(image.resize(filled.size, Image.Resampling.NEAREST))
    filled.paste(image)
    black = 0, 0, 0, 255
    turned = rotate_any_angle(filled.reduce(reduction), 20, size, black, reduction)
    whole = rotate_any_angle(image, 20, size, black, 1)
    assert turned.size == tuple(-(-side // reduction) for side in rotated_size(size, 20))
    assert max(ImageStat.Stat(ImageChops.difference(turned, _reduced(whole, turned.size, reduction))).rms) < 8


def _reduced(image: Image.Image, size: tuple[int, int], reduction: int) -> Image.Image:
    whole = Image.new("RGB", (size[0] * reduction, size[1] * reduction))
    whole.paste(image)
    return whole.reduce(reduction)
