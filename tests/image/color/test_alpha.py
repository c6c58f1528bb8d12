from collections.abc import Callable

import pytest
from PIL import Image

from forkresize.image.color.alpha import has_alpha, premultiply, unpremultiply


@pytest.mark.parametrize(
    ("mode", "color", "expected"), [("LA", (200, 51), (40, 51)), ("RGBA", (200, 100, 0, 51), (40, 20, 0, 51))]
)
def test_colors_are_premultiplied(mode: str, color: tuple[int, ...], expected: tuple[int, ...]) -> None:
    image = Image.new(mode, (1, 1), color)
    assert has_alpha(image)
    assert premultiply(image).getpixel((0, 0)) == expected
    assert unpremultiply(premultiply(image)).mode == mode
    assert unpremultiply(premultiply(image)).getpixel((0, 0)) == color


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_images_without_alpha_are_not_changed(scene: Callable[..., Image.Image], mode: str) -> None:
    image = scene(mode)
    assert not has_alpha(image)
    assert premultiply(image) is image
    assert unpremultiply(image) is image
