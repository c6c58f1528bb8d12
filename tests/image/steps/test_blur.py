from collections.abc import Callable
from math import exp

import pytest
from PIL import Image, ImageChops

from forkresize.image.steps.blur import blur
from forkresize.recipe import Blur


@pytest.mark.parametrize(("radius", "off"), [(0.5, 1.5), (0.7, 6), (1, 2), (1.5, 3), (2, 3), (3, 3), (10, 3)])
def test_the_blur_of_an_edge_is_near_that_of_a_true_gaussian(radius: float, off: float) -> None:
    edge = Image.new("L", (161, 3))
    edge.paste(255, (80, 0, 161, 3))
    blurred = blur(edge, Blur(radius=radius))
    weights = [exp(-(distance**2) / (2 * radius**2)) for distance in range(-160, 161)]
    for x in range(40, 121):
        expected = 255 * sum(weights[: x - 80 + 161]) / sum(weights)
        assert blurred.getpixel((x, 1)) == pytest.approx(expected, abs=off)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_edge_pixels_are_repeated_beyond_the_edges(mode: str) -> None:
    image = Image.new("RGBA", (20, 10), (200, 100, 50, 255)).convert(mode)
    assert blur(image, Blur(radius=4)).tobytes() == image.tobytes()


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_colors_of_transparent_pixels_do_not_bleed(mode: str) -> None:
    image = Image.new("RGBA", (40, 20), (255, 255, 255, 0))
    image.paste((60, 60, 60, 255), (0, 0, 20, 20))
    blurred = blur(image.convert(mode), Blur(radius=2))
    assert blurred.mode == mode
    alpha = blurred.getchannel("A")
    assert alpha.getpixel((19, 10)) != alpha.getpixel((20, 10)) != 0
    seen = ImageChops.darker(blurred.getchannel(0), alpha.point(lambda level: 255 if level > 40 else 0))
    assert 60 <= (seen.getextrema()[1]) <= 63  # type: ignore[operator]


def test_blurring_twice_is_blurring_by_the_sum_of_squares(noise: Callable[..., Image.Image]) -> None:
    image = noise("RGB", (90, 60))
    twice = blur(blur(image, Blur(radius=3)), Blur(radius=4))
    once = blur(image, Blur(radius=5))
    # Nearer to the borders it counts how they go on.
    middle = (20, 20, 70, 40)
    assert max(ImageChops.difference(twice.crop(middle), once.crop(middle)).tobytes()) <= 2
