from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from forkresize.image.steps.watermark import watermark
from forkresize.recipe import Watermark


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., str]:
    """Save a mark of one color: ``save("red")``."""

    def save_mark(color: str) -> str:
        path = tmp_path / "mark.png"
        Image.new("RGBA", (40, 40), color).save(path)
        return str(path)

    return save_mark


@pytest.mark.parametrize(
    ("mode", "color", "expected"),
    [
        ("L", "#808080", "L"),
        ("L", "red", "RGB"),
        ("LA", "#808080", "LA"),
        ("LA", "red", "RGBA"),
        ("RGB", "#808080", "RGB"),
        ("RGBA", "red", "RGBA"),
    ],
)
@pytest.mark.parametrize("gravity", ["north-west", None])
def test_a_gray_picture_stays_gray_under_a_gray_mark(
    scene: Callable[..., Image.Image],
    save: Callable[..., str],
    mode: str,
    color: str,
    expected: str,
    gravity: str | None,
) -> None:
    step = Watermark(image=save(color), gravity=gravity, opacity=1)  # type: ignore[arg-type]
    assert watermark(scene(mode), step).mode == expected


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_a_text_leaves_the_mode(scene: Callable[..., Image.Image], mode: str) -> None:
    image = scene(mode)
    marked = watermark(image, Watermark(text="Jane", scale=40))
    assert marked.mode == mode
    assert marked.tobytes() != image.tobytes()


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_only_the_place_of_the_mark_is_changed(
    scene: Callable[..., Image.Image], save: Callable[..., str], mode: str
) -> None:
    image = scene("RGB").convert(mode)
    untouched = image.copy()
    step = Watermark(image=save("#00ff0080"), scale=25, margin=10, gravity="south-east", opacity=1)  # type: ignore[arg-type]
    marked = watermark(image, step)
    difference = ImageChops.difference(marked.convert("RGB"), image.convert("RGB"))
    assert difference.getbbox() == (120 - 8 - 20, 80 - 8 - 20, 120 - 8, 80 - 8)
    assert image.tobytes() == untouched.tobytes()


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_opacity_mixes_the_mark_with_what_is_beneath(save: Callable[..., str], mode: str) -> None:
    image = Image.new("RGBA", (100, 100), (100, 100, 100, 255)).convert(mode)
    marked = watermark(image, Watermark(image=save("#c8c8c8"), gravity="center", opacity=0.25))  # type: ignore[arg-type]
    assert marked.getchannel(0).getpixel((50, 50)) == 125


@pytest.mark.parametrize("gravity", ["center", None])
def test_the_mark_shows_where_the_picture_is_transparent(save: Callable[..., str], gravity: str | None) -> None:
    image = Image.new("RGBA", (100, 100), (255, 255, 255, 0))
    marked = watermark(image, Watermark(image=save("#ff000080"), gravity=gravity, opacity=1))  # type: ignore[arg-type]
    # Nothing of the hidden white is in it.
    assert marked.getpixel((50, 50)) == (255, 0, 0, 128)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_tiled_marks_reach_all_edges(save: Callable[..., str], mode: str) -> None:
    image = Image.new("RGB", (210, 140), "white").convert(mode)
    marked = watermark(image, Watermark(image=save("black"), gravity=None, opacity=1)).convert("RGB")
    box = ImageChops.invert(marked).getbbox()
    assert box == (0, 0, 210, 140)
    share = marked.convert("L").histogram()[0] / (210 * 140)
    assert share == pytest.approx((21 / (21 + 3)) ** 2, abs=0.05)


@pytest.mark.parametrize("background", [(0, 0, 0), (255, 255, 255), (128, 128, 128)])
def test_a_text_is_legible_on_any_background(background: tuple[int, int, int]) -> None:
    image = Image.new("RGB", (300, 200), background)
    marked = watermark(image, Watermark(text="Jane"))
    assert max(ImageChops.difference(image, marked).tobytes()) >= 63


def test_zero_opacity_leaves_the_picture_alone(scene: Callable[..., Image.Image]) -> None:
    image = scene()
    assert watermark(image, Watermark(text="Jane", opacity=0)) is image


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (5, 3)])
@pytest.mark.parametrize("gravity", ["south-east", None])
def test_tiny_pictures_are_marked_as_well(size: tuple[int, int], gravity: str | None) -> None:
    marked = watermark(Image.new("RGB", size), Watermark(text="Jane", gravity=gravity, margin=50))  # type: ignore[arg-type]
    assert marked.size == size
