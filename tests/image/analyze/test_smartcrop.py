"""The most interesting part of pictures with a known one."""

import random
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageOps

from forkresize.image.analyze.smartcrop import find_focus, thumbnail
from forkresize.recipe import Gravity

SMART = Gravity.ENTROPY, Gravity.ATTENTION
SKIN = 224, 172, 138
HALF, WHOLE = Fraction(1, 2), Fraction(1)


def textured(size: tuple[int, int], spot: tuple[int, int], side: int = 120, mode: str = "RGB") -> Image.Image:
    """Return a flat gray picture with a square of coarse noise whose left upper corner is the spot."""
    image = Image.new("RGB", size, (90, 90, 90))
    noise = Image.frombytes("RGB", (12, 12), random.Random(5).randbytes(12 * 12 * 3))  # noqa: S311 (seeded on purpose)
    image.paste(noise.resize((side, side), Image.Resampling.NEAREST), spot)
    return image.convert(mode)


def with_face(size: tuple[int, int], middle: tuple[int, int]) -> Image.Image:
    """Return a gray picture with stripes in the middle and a disk of the color of skin."""
    image = Image.new("RGB", size, (120, 120, 120))
    drawing = ImageDraw.Draw(image)
    for left in range(size[0] // 2 - 60, size[0] // 2 + 60, 40):
        drawing.rectangle((left, 0, left + 20, size[1]), fill=(130, 130, 130))
    drawing.ellipse((middle[0] - 60, middle[1] - 60, middle[0] + 60, middle[1] + 60), fill=SKIN)
    return image


@pytest.mark.parametrize("gravity", SMART)
@pytest.mark.parametrize(
    ("size", "spot", "window"),
    [
        ((800, 400), (670, 260), (HALF, WHOLE)),
        ((800, 400), (20, 10), (HALF, WHOLE)),
        ((400, 800), (20, 10), (WHOLE, HALF)),
        ((400, 800), (270, 670), (WHOLE, HALF)),
        ((900, 900), (40, 700), (Fraction(1, 3), Fraction(1, 3))),
    ],
)
def test_a_textured_patch_is_in_the_window(
    size: tuple[int, int], spot: tuple[int, int], window: tuple[Fraction, Fraction], gravity: Gravity
) -> None:
    focus = find_focus(textured(size, spot), gravity, window)
    for middle, share, start, side in zip(focus, window, spot, size, strict=True):
        assert 0 <= middle - share / 2 <= middle + share / 2 <= 1
        assert (middle - share / 2) * side <= start + 10
        assert start + 120 - 10 <= (middle + share / 2) * side


@pytest.mark.parametrize("middle", [(90, 200), (700, 200), (620, 200)])
def test_a_face_draws_attention(middle: tuple[int, int]) -> None:
    across, down = find_focus(with_face((800, 400), middle), Gravity.ATTENTION, (Fraction(1, 4), WHOLE))
    assert middle[0] - 60 >= (across - Fraction(1, 8)) * 800 - 10
    assert middle[0] + 60 <= (across + Fraction(1, 8)) * 800 + 10
    assert down == HALF


def test_a_face_draws_more_attention_than_another_color() -> None:
    image = Image.new("RGB", (800, 400), (240, 240, 240))
    for middle, color in ((120, SKIN), (560, SKIN[::-1])):
        ImageDraw.Draw(image).ellipse((middle - 60, 140, middle + 60, 260), fill=color)
    across, _ = find_focus(image, Gravity.ATTENTION, (Fraction(1, 4), WHOLE))
    assert across == pytest.approx(0.15, abs=0.02)


@pytest.mark.parametrize("gravity", SMART)
def test_faint_noise_has_no_influence(gravity: Gravity) -> None:
    noise = random.Random(2).choices(b"\x78\x7c", k=96 * 48)  # noqa: S311 (seeded on purpose)
    image = Image.frombytes("L", (96, 48), bytes(noise)).convert("RGB")
    across, _ = find_focus(image, gravity, (Fraction(3, 4), WHOLE))
    assert across == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("gravity", SMART)
def test_the_found_part_is_centered(gravity: Gravity) -> None:
    across, _ = find_focus(textured((800, 400), (360, 100)), gravity, (HALF, WHOLE))
    assert across == pytest.approx(420 / 800, abs=0.02)


@pytest.mark.parametrize("gravity", SMART)
@pytest.mark.parametrize("spot", [(10, 10), (300, 140), (650, 270)])
def test_a_mirrored_picture_has_its_window_mirrored(spot: tuple[int, int], gravity: Gravity) -> None:
    image, window = textured((800, 400), spot), (HALF, Fraction(2, 5))
    across, down = find_focus(image, gravity, window)
    mirrored, flipped = (find_focus(turn(image), gravity, window) for turn in (ImageOps.mirror, ImageOps.flip))
    assert (1 - mirrored[0], mirrored[1]) == pytest.approx((across, down), abs=0.02)
    assert (flipped[0], 1 - flipped[1]) == pytest.approx((across, down), abs=0.02)


@pytest.mark.parametrize("gravity", SMART)
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "CMYK", "P", "1", "I;16", "I", "F"])
def test_a_flat_picture_is_centered(mode: str, gravity: Gravity) -> None:
    window = Fraction(2, 7), Fraction(3, 5)
    assert find_focus(Image.new(mode, (640, 480)), gravity, window) == (HALF, HALF)
    assert find_focus(textured((640, 480), (0, 0)), gravity, (WHOLE, WHOLE)) == (HALF, HALF)


@pytest.mark.parametrize("gravity", SMART)
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "CMYK", "I", "F"])
def test_all_modes_are_supported(mode: str, gravity: Gravity) -> None:
    image = textured((800, 400), (670, 260), mode="L" if mode in {"I", "F"} else mode).convert(mode)
    across, _ = find_focus(image, gravity, (Fraction(1, 4), WHOLE))
    assert across > 0.8


@pytest.mark.parametrize("gravity", SMART)
def test_all_16_bits_count(gravity: Gravity) -> None:
    deep = textured((800, 400), (20, 20), mode="L").convert("I").point(lambda level: level * 20 + 40_000)
    across, _ = find_focus(deep.convert("I;16"), gravity, (Fraction(1, 4), WHOLE))
    assert across < 0.2


@pytest.mark.parametrize("gravity", SMART)
def test_transparent_pixels_are_ignored(gravity: Gravity) -> None:
    image, alpha = textured((800, 400), (640, 20), side=140), Image.new("L", (800, 400))
    image.paste(textured((120, 120), (0, 0)), (20, 20))
    alpha.paste(255, (20, 20, 140, 140))
    assert find_focus(image, gravity, (Fraction(1, 4), WHOLE))[0] > HALF
    image.putalpha(alpha)
    across, _ = find_focus(image, gravity, (Fraction(1, 4), WHOLE))
    assert across < 0.4


@pytest.mark.parametrize("gravity", SMART)
def test_of_equal_windows_the_one_nearest_to_the_center_is_taken(gravity: Gravity) -> None:
    image = textured((768, 256), (16, 64))
    image.paste(image.crop((16, 64, 136, 184)), (480, 64))
    across, _ = find_focus(image, gravity, (Fraction(1, 4), WHOLE))
    assert across > HALF


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(st.integers(1, 300), st.integers(1, 300), st.sampled_from(SMART), st.fractions(0.01, 1), st.integers(0, 99))
def test_the_window_lies_within_pictures_of_any_size(
    width: int, height: int, gravity: Gravity, share: Fraction, seed: int
) -> None:
    noise = Image.frombytes("L", (8, 8), random.Random(seed).randbytes(64))  # noqa: S311 (seeded on purpose)
    for middle in find_focus(noise.resize((width, height)), gravity, (share, share)):
        assert share / 2 <= middle <= 1 - share / 2


def test_the_small_version_is_made_once() -> None:
    small = thumbnail(textured((800, 400), (20, 20)))
    assert small.size == (96, 48)
    assert thumbnail(small) is small
    window = Fraction(1, 3), WHOLE
    assert find_focus(small, Gravity.ENTROPY, window) == find_focus(
        textured((800, 400), (20, 20)), Gravity.ENTROPY, window
    )
