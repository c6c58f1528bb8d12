"""Transparency is replaced by the background."""

from collections.abc import Callable

import pytest
from PIL import Image

Scene = Callable[..., Image.Image]
Make = Callable[..., Image.Image]


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize("background", [(255, 255, 255, 255), (0, 200, 0, 0), (10, 20, 30, 255)])
def test_the_background_shows_where_a_jpeg_could_not_be_transparent(
    background: tuple[int, int, int, int], mode: str, make: Make
) -> None:
    image = Image.new("RGBA", (64, 64), (0, 0, 0, 0)).convert(mode)
    made = make(image, "a.png", width=32, format="jpeg", background=background)
    shown = made.convert("RGB").getpixel((16, 16))
    assert isinstance(shown, tuple)
    assert max(abs(left - right) for left, right in zip(shown, background, strict=False)) <= 2


@pytest.mark.parametrize(("background", "mode"), [((255, 255, 255, 255), "L"), ((0, 0, 200, 255), "RGB")])
def test_gray_stays_gray_over_a_gray_background(
    background: tuple[int, int, int, int], mode: str, scene: Scene, make: Make
) -> None:
    assert make(scene("LA"), "a.png", width=32, format="jpeg", background=background).mode == mode


def test_half_transparent_is_half_the_background(make: Make) -> None:
    image = Image.new("RGBA", (64, 64), (200, 100, 0, 128))
    made = make(image, "a.png", width=32, format="jpeg", quality=100)
    red, green, blue = made.getpixel((16, 16))  # type: ignore[misc]
    assert (red, green, blue) == pytest.approx((227, 177, 127), abs=2)


@pytest.mark.parametrize(("mode", "becomes"), [("RGBA", "RGB"), ("LA", "L")])
@pytest.mark.parametrize("output", ["png", "tiff"])
def test_opaque_alpha_is_dropped(output: str, mode: str, becomes: str, make: Make) -> None:
    opaque = Image.new("RGBA", (64, 64), (9, 9, 9, 255)).convert(mode)
    assert make(opaque, "a.png", width=32, format=output).mode == becomes


@pytest.mark.parametrize(
    ("mode", "output", "held"), [("RGBA", "png", "RGBA"), ("LA", "png", "LA"), ("LA", "webp", "RGBA")]
)
def test_alpha_is_kept_where_the_output_holds_it(mode: str, output: str, held: str, scene: Scene, make: Make) -> None:
    assert make(scene(mode), "a.png", width=32, format=output).mode == held
