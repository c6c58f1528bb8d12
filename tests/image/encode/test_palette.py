"""Reduced colors: at most the requested number, exact if they suffice, dithered if not."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageStat

from forkresize.image.diagnostics import Diagnostics

Make = Callable[..., Image.Image]
Film = Callable[..., list[Image.Image]]


def colors_of(image: Image.Image) -> int:
    return len(image.convert("RGBA").getcolors(image.width * image.height) or ())


def blurred(image: Image.Image) -> Image.Image:
    return image.convert("RGBA").convert("RGBa").resize((24, 16), Image.Resampling.BOX)


def apart(one: Image.Image, other: Image.Image) -> float:
    return max(ImageStat.Stat(ImageChops.difference(blurred(one), blurred(other))).rms)


@pytest.mark.parametrize("output", ["png", "gif"])
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
@pytest.mark.parametrize("colors", [2, 3, 16, 100, 256])
def test_there_are_at_most_the_requested_colors(colors: int, mode: str, output: str, scene: Make, opened: Make) -> None:
    assert 1 < colors_of(opened(scene(mode), output, palette=colors)) <= colors


@given(seed=st.integers(0, 10**6), mode=st.sampled_from(["RGB", "RGBA"]), output=st.sampled_from(["png", "gif"]))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_picture_of_few_colors_comes_back_to_the_bit(
    seed: int, mode: str, output: str, film: Film, opened: Make
) -> None:
    (image,) = film(seed, 1, mode, (40, 30))
    made = opened(image, output, palette=14)
    assert made.convert("RGBA").tobytes() == image.convert("RGBA").tobytes()


@pytest.mark.parametrize("output", ["png", "gif"])
def test_many_colors_stay_close_from_a_little_distance(output: str, scene: Make, opened: Make) -> None:
    assert apart(opened(scene(), output, palette=256), scene()) < 2
    assert apart(opened(scene(), output, palette=32), scene()) < 8


def test_a_translucent_png_keeps_its_slope(scene: Make, opened: Make) -> None:
    made = opened(scene("RGBA"), "png", palette=256)
    assert made.mode == "P"
    assert len(set(made.convert("RGBA").getchannel("A").tobytes())) > 4
    assert apart(made, scene("RGBA")) < 3


@given(seed=st.integers(0, 10**6), colors=st.integers(2, 256))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_noise_of_colors_and_alpha_fits_any_palette(seed: int, colors: int, noise: Make, opened: Make) -> None:
    image = noise("RGBA", (13, 9), seed)
    image.putalpha(image.getchannel("A").point(lambda alpha: alpha // (1 + seed % 50)))
    assert 1 <= colors_of(opened(image, "png", palette=colors)) <= colors


def test_a_flat_translucent_area_is_exact(opened: Make) -> None:
    image = Image.new("RGBA", (60, 40), (20, 30, 40, 100))
    image.paste((250, 0, 0, 255), (10, 10, 30, 30))
    assert opened(image, "png", palette=4).convert("RGBA").tobytes() == image.tobytes()


def test_a_gif_keeps_a_hole_and_its_colors(opened: Make) -> None:
    image = Image.new("RGBA", (60, 40), (250, 10, 20, 255))
    image.paste((0, 0, 0, 0), (30, 0, 60, 40))
    made = opened(image, "gif").convert("RGBA")
    assert made.getpixel((45, 20))[3] == 0  # type: ignore[index]
    assert made.getpixel((15, 20)) == (250, 10, 20, 255)


def test_a_shared_palette_represents_all_frames(scene: Make, opened: Make) -> None:
    images = [Image.radial_gradient("L").convert("RGB"), scene(size=(256, 256)), Image.new("RGB", (256, 256), "lime")]
    made = opened(images, "gif", durations=(50, 50, 50), loop=0)
    made.seek(2)
    assert apart(made, images[2]) < 8


@pytest.mark.parametrize("output", ["png", "gif"])
def test_frames_share_a_small_palette(output: str, scene: Make, opened: Make) -> None:
    images = [scene("RGBA"), scene("RGBA").rotate(180)]
    made = opened(images, output, durations=(50, 60), loop=0, palette=16)
    both = Image.new("RGBA", (120, 160))
    for number in range(2):
        made.seek(number)
        both.paste(made.convert("RGBA"), (0, 80 * number))
    assert made.mode in {"P", "RGBA"}
    assert colors_of(both) <= 16


def test_sixteen_bits_cause_a_warning_for_a_palette(scene: Make, opened: Make) -> None:
    diagnostics = Diagnostics()
    assert colors_of(opened(scene("I;16"), "png", palette=8, diagnostics=diagnostics)) <= 8
    assert diagnostics.warnings == ["reduced from 16 to 8 bits per channel, for an animation or a palette"]


def test_few_colors_take_few_bits(scene: Make, encoded: Callable[..., object]) -> None:
    sizes = [len(getattr(encoded(scene(), "png", palette=colors), "data", b"")) for colors in (4, 16, 256)]
    assert sizes == sorted(sizes)
    assert sizes[0] * 2 < sizes[2]
