from collections.abc import Callable

import pytest
from PIL import Image, ImageChops

from forkresize.image.steps.sharpen import sharpen
from forkresize.recipe import Sharpen


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_an_edge_gets_steeper_and_flat_parts_stay(mode: str) -> None:
    image = Image.new("L", (40, 10), 80)
    image.paste(160, (20, 0, 40, 10))
    sharpened = sharpen(image.convert(mode), Sharpen(radius=1, percent=100))
    assert sharpened.mode == mode
    row = [sharpened.getchannel(0).getpixel((x, 5)) for x in (5, 19, 20, 35)]
    assert row[0] == 80
    assert row[3] == 160
    assert row[1] < 70  # type: ignore[operator]
    assert row[2] > 170  # type: ignore[operator]


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_differences_below_the_threshold_are_left_alone(mode: str) -> None:
    image = Image.new("L", (40, 10), 100)
    image.paste(104, (20, 0, 40, 10))
    image = image.convert(mode)
    assert sharpen(image, Sharpen(radius=1, percent=200, threshold=4)).tobytes() == image.tobytes()
    assert sharpen(image, Sharpen(radius=1, percent=200, threshold=0)).tobytes() != image.tobytes()


@pytest.mark.parametrize(("mode", "opaque"), [("LA", "L"), ("RGBA", "RGB")])
def test_an_opaque_alpha_makes_no_difference(scene: Callable[..., Image.Image], mode: str, opaque: str) -> None:
    plain = scene(opaque)
    step = Sharpen(radius=1.2, percent=120, threshold=3)
    sharpened = sharpen(plain.convert(mode), step).convert(opaque)
    assert _furthest(sharpened, sharpen(plain, step)) <= 1


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_alpha_is_untouched(scene: Callable[..., Image.Image], mode: str) -> None:
    image = scene(mode)
    sharpened = sharpen(image, Sharpen(radius=2, percent=150))
    assert sharpened.getchannel("A").tobytes() == image.getchannel("A").tobytes()
    assert sharpened.tobytes() != image.tobytes()


def test_hidden_colors_make_no_edge() -> None:
    image = Image.new("RGBA", (40, 20), (255, 255, 255, 0))
    image.paste((60, 80, 100, 255), (0, 0, 20, 20))
    sharpened = sharpen(image, Sharpen(radius=2, percent=200, threshold=0))
    seen = (0, 0, 20, 20)
    assert _furthest(sharpened.crop(seen), image.crop(seen)) <= 3


def _furthest(one: Image.Image, other: Image.Image) -> int:
    return max(ImageChops.difference(one, other).tobytes())
