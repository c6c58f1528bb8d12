import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from forkresize.errors import FieldError
from forkresize.image.watermark.logo import logo


@pytest.mark.parametrize(
    ("mode", "name", "expected"),
    [
        ("RGB", "logo.png", "RGBA"),
        ("RGBA", "logo.png", "RGBA"),
        ("CMYK", "logo.jpg", "RGBA"),
        ("L", "logo.png", "LA"),
        ("LA", "logo.png", "LA"),
        ("1", "logo.png", "LA"),
        ("I;16", "logo.png", "LA"),
    ],
)
def test_any_mode_is_read(
    scene: Callable[..., Image.Image], tmp_path: Path, mode: str, name: str, expected: str
) -> None:
    scene(mode).save(tmp_path / name)
    read = logo(str(tmp_path / name))
    assert read.mode == expected
    assert read.size == (120, 80)
    assert (read.getchannel("A").getextrema() == (255, 255)) is (mode not in {"RGBA", "LA"})


def test_a_transparent_color_of_a_palette_is_transparent(scene: Callable[..., Image.Image], tmp_path: Path) -> None:
    image = scene("P")
    image.save(tmp_path / "logo.gif", transparency=image.getpixel((15, 15)))
    assert logo(str(tmp_path / "logo.gif")).getchannel("A").getpixel((15, 15)) == 0


def test_16_bits_are_scaled(tmp_path: Path) -> None:
    Image.new("I;16", (3, 3), 128 * 257).save(tmp_path / "logo.png")
    assert logo(str(tmp_path / "logo.png")).getpixel((1, 1)) == (128, 255)


def test_gray_pixels_in_a_mode_of_colors_are_gray(tmp_path: Path) -> None:
    image = Image.new("RGBA", (20, 10), (90, 90, 90, 200))
    # What is hidden has no color.
    image.paste((255, 0, 0, 0), (0, 0, 5, 5))
    image.save(tmp_path / "logo.png")
    assert logo(str(tmp_path / "logo.png")).mode == "LA"


def test_the_logo_is_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (30, 10), "red").save(tmp_path / "logo.jpg", exif=exif)
    assert logo(str(tmp_path / "logo.jpg")).size == (10, 30)


def test_the_profile_of_the_logo_is_applied(tmp_path: Path, rgb_profile: Callable[..., bytes]) -> None:
    Image.new("RGB", (8, 8), (0, 200, 0)).save(tmp_path / "logo.png", icc_profile=rgb_profile())
    red, green, _blue, _alpha = logo(str(tmp_path / "logo.png")).getpixel((4, 4))  # type: ignore[misc]
    assert (red, green) != (0, 200)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file"),
        (b"no picture", "is not a picture"),
        (b"", "empty"),
        (b"\x89PNG\r\n\x1a\n damaged", "logo.png: ."),
    ],
)
def test_an_unusable_logo_is_refused_with_its_path(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "logo.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FieldError, match=message) as caught:
        logo(str(path))
    assert caught.value.field == "watermark"
    assert "logo.png" in caught.value.message


@pytest.mark.slow
@pytest.mark.parametrize("size", [(7072, 7071), (20_000, 20_000)])
def test_a_logo_that_is_too_large_is_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    file = io.BytesIO()
    Image.new("1", size).save(file, "PNG")
    (tmp_path / "logo.png").write_bytes(file.getvalue())
    with pytest.raises(FieldError, match="has more than 50 megapixels"):
        logo(str(tmp_path / "logo.png"))
