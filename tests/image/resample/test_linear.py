"""Light is what is mixed, and nothing else changes."""

from collections.abc import Callable

import pytest
from PIL import Image, ImageChops

from forkresize.image.resample import kernel
from forkresize.image.resample.linear import resample_linear
from forkresize.recipe import Resample

Scene = Callable[..., Image.Image]

MIXING = [word for word in Resample if word is not Resample.NEAREST]


def whole(image: Image.Image) -> kernel.Box:
    return 0, 0, image.width, image.height


def checkerboard(mode: str, side: int = 64) -> Image.Image:
    pixels = bytes(255 * ((x + y) % 2) for y in range(side) for x in range(side))
    board = Image.frombytes("L", (side, side), pixels)
    return deep(board) if mode == "I;16" else board.convert(mode)


def deep(image: Image.Image) -> Image.Image:
    return image.convert("L").convert("I").point(lambda level: level * 257 + 0).convert("I;16")


def light(code: float) -> float:
    """Return the light of a value of sRGB, both from 0 to 1, as IEC 61966-2-1 has it."""
    return code / 12.92 if code <= 0.04045 else ((code + 0.055) / 1.055) ** 2.4


@pytest.mark.parametrize("resample", MIXING)
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16"])
def test_black_and_white_mix_to_the_gray_of_half_the_light(mode: str, resample: Resample) -> None:
    image = checkerboard(mode)
    made = resample_linear(image, (16, 16), whole(image), resample)
    assert (made.mode, made.size) == (mode, (16, 16))
    level = 257 if mode == "I;16" else 1
    for band in made.split()[: len(mode.rstrip("A"))] if mode != "I;16" else [made]:
        least, most = band.crop((3, 3, 13, 13)).getextrema()
        assert 187 * level <= least <= most <= 189 * level  # type: ignore[operator]


def test_the_amount_of_light_is_preserved(scene: Scene) -> None:
    image = scene("L", (120, 80))
    made = resample_linear(image, (30, 20), whole(image), Resample.BOX)
    for x, y in ((3, 4), (11, 9), (20, 15), (29, 19)):
        part = image.crop((4 * x, 4 * y, 4 * x + 4, 4 * y + 4)).tobytes()
        mean = sum(light(code / 255) for code in part) / len(part)
        assert mean == pytest.approx(light(made.getpixel((x, y)) / 255), abs=0.006)  # type: ignore[operator]


@pytest.mark.parametrize("resample", Resample)
@pytest.mark.parametrize("mode", ["L", "RGB", "LA", "RGBA", "I;16"])
def test_unscaled_pixels_stay_identical(mode: str, resample: Resample, noise: Scene) -> None:
    image = deep(noise("L")) if mode == "I;16" else noise(mode)
    if mode.endswith("A"):
        # The colors of what can't be seen at all are not kept.
        image.putalpha(image.getchannel("A").point(lambda level: max(level, 1)))
    made = resample_linear(image, image.size, whole(image), resample)
    assert made.tobytes() == image.tobytes()


def test_flat_images_keep_their_level() -> None:
    image = Image.merge("RGB", [Image.frombytes("L", (256, 1), bytes(range(256)))] * 3).resize((2048, 32), 0)
    made = resample_linear(image, (256, 4), whole(image), Resample.BOX)
    assert made.tobytes() == image.resize((256, 4), 0).tobytes()


@pytest.mark.parametrize("resample", Resample)
def test_hidden_colors_do_not_bleed_into_edges(resample: Resample) -> None:
    image = Image.new("RGBA", (100, 100), (255, 255, 255, 0))
    image.paste((200, 10, 0, 255), (30, 30, 70, 70))
    made = resample_linear(image, (33, 33), whole(image), resample)
    *colors, alpha = made.split()
    seen = alpha.point(lambda level: 255 * (level > 3))
    for band, level in zip(colors, (200, 10, 0), strict=True):
        off = ImageChops.difference(band, Image.new("L", band.size, level))
        assert ImageChops.multiply(off, seen).getextrema()[1] <= 1  # type: ignore[operator]


def test_alpha_is_resampled_without_conversion() -> None:
    image = Image.new("RGBA", (64, 64), (250, 120, 30, 255))
    image.putalpha(checkerboard("L"))
    made = resample_linear(image, (16, 16), whole(image), Resample.BOX)
    assert made.getextrema() == ((250, 250), (120, 120), (30, 30), (128, 128))


@pytest.mark.parametrize("mode", ["CMYK", "F", "I"])
def test_other_modes_are_mixed_without_conversion(mode: str, scene: Scene) -> None:
    image, box = scene(mode), (3.25, 2.5, 100.5, 70.75)
    made = resample_linear(image, (40, 31), box, Resample.LANCZOS)
    assert made.tobytes() == kernel.resample(image, (40, 31), box, Resample.LANCZOS).tobytes()


@pytest.mark.parametrize("rows_first", [True, False])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_parts_and_both_orders_of_passes_agree(mode: str, rows_first: bool, scene: Scene) -> None:
    image = scene(mode)
    cut = resample_linear(image, (40, 30), (20, 10, 80, 60), Resample.BOX, rows_first=rows_first)
    expected = resample_linear(image.crop((20, 10, 100, 70)), (40, 30), (0, 0, 80, 60), Resample.BOX)
    assert cut.tobytes() == expected.tobytes()
