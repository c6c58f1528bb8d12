from collections.abc import Callable

import pytest
from PIL import Image

from forkresize.image.steps.grayscale import grayscale
from forkresize.recipe import Grayscale


@pytest.mark.parametrize("color", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (10, 200, 90)])
def test_gray_is_the_luma_of_rec_601(color: tuple[int, int, int]) -> None:
    gray = grayscale(Image.new("RGB", (3, 2), color), Grayscale())
    expected = 0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2]
    assert gray.mode == "L"
    assert gray.getpixel((1, 1)) == pytest.approx(expected, abs=0.6)


def test_alpha_is_kept(scene: Callable[..., Image.Image]) -> None:
    image = scene("RGBA")
    gray = grayscale(image, Grayscale())
    assert gray.mode == "LA"
    assert gray.getchannel("A").tobytes() == image.getchannel("A").tobytes()
    assert gray.getchannel("L").tobytes() == image.convert("RGB").convert("L").tobytes()


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_gray_is_left_as_it_is(scene: Callable[..., Image.Image], mode: str) -> None:
    image = scene(mode)
    assert grayscale(image, Grayscale()) is image
