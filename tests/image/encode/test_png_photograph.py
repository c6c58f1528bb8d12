"""Photographs become PNGs without Pillow's encoder; the pixels are the same, and drawings are left to Pillow."""

import io
import zlib
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageFilter
from PIL.PngImagePlugin import PngInfo

from forkresize.image.encode import Encoded, png_photograph
from forkresize.image.encode.png_photograph import choose_filter
from tests.image.decode.pngs import chunks

Scene = Callable[..., Image.Image]
Encode = Callable[..., Encoded]

MODES = ["L", "LA", "RGB", "RGBA"]


def photograph(noise: Scene, mode: str = "RGB", size: tuple[int, int] = (600, 500)) -> Image.Image:
    """Draw soft shapes with grain."""
    shapes = noise(mode, size=(16, 12)).resize(size, Image.Resampling.BICUBIC)
    return Image.blend(shapes, noise(mode, size=size).filter(ImageFilter.BoxBlur(1)), 0.15)


def filters(data: bytes) -> set[int]:
    """Return the numbers of the filters of a PNG's rows."""
    parts = list(chunks(data))
    with Image.open(io.BytesIO(data)) as image:
        length = 1 + image.width * len(image.getbands())
    return set(zlib.decompress(b"".join(content for name, content in parts if name == b"IDAT"))[::length])


def by_pillow(image: Image.Image) -> int:
    """Return the bytes of the smaller of two PNGs by Pillow."""
    sizes = []
    for strategy in (0, 3):
        image.save(file := io.BytesIO(), "PNG", compress_level=4, compress_type=strategy)
        sizes.append(len(file.getvalue()))
    return min(sizes)


@pytest.mark.parametrize(
    ("mode", "size"), [*((mode, (333, 640)) for mode in MODES), ("L", (1, 200_000)), ("RGB", (2001, 101))]
)
def test_a_photograph_keeps_its_pixels_in_about_as_many_bytes(
    mode: str, size: tuple[int, int], noise: Scene, encoded: Encode
) -> None:
    picture = photograph(noise, mode, size)
    data = encoded(picture, "png").data
    assert len(filters(data)) == 1
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        assert (image.mode, image.size) == (mode, size)
        assert image.tobytes() == picture.tobytes()
    assert len(data) < 1.1 * by_pillow(picture)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (4000, 95), (20, 20)])
def test_small_pictures_are_left_to_pillow(size: tuple[int, int], noise: Scene) -> None:
    assert png_photograph.encode(photograph(noise, size=size), {}) is None


@pytest.mark.parametrize("mode", ["1", "P", "I;16"])
def test_other_modes_are_left_to_pillow(mode: str) -> None:
    assert png_photograph.encode(Image.effect_noise((300, 300), 50).convert("L").convert(mode), {}) is None


def stripes(noise: Scene) -> Image.Image:
    """Draw colored columns of random brightness."""
    return noise("RGB", size=(600, 1)).resize((600, 500), Image.Resampling.NEAREST)


def text(noise: Scene) -> Image.Image:
    """Draw black on white, as of a scanned page."""
    dots = noise("L", size=(50, 8)).point(lambda level: 255 * (level > 99))
    page = Image.new("RGB", (600, 500), "white")
    for top in range(0, 500, 16):
        page.paste(dots.resize((600, 8), Image.Resampling.NEAREST), (0, top))
    return page


def gradient(_noise: Scene) -> Image.Image:
    return Image.merge("RGB", [Image.linear_gradient("L").resize((600, 500))] * 3)


def tiles(noise: Scene) -> Image.Image:
    """Repeat a grainy tile."""
    tile, picture = photograph(noise, size=(40, 30)), Image.new("RGB", (600, 500))
    for number in range(255):
        picture.paste(tile, (number % 15 * 40, number // 15 * 30))
    return picture


def dither(noise: Scene) -> Image.Image:
    return photograph(noise, "L").convert("1").convert("RGB")


def screen(noise: Scene) -> Image.Image:
    """Draw a page with a photograph at its top."""
    page = text(noise)
    page.paste(photograph(noise, size=(600, 200)))
    return page


@pytest.mark.parametrize("draw", [stripes, text, gradient, tiles, dither, screen])
def test_drawings_grow_by_no_more_than_two_percent(draw: Callable[[Scene], Any], noise: Scene, encoded: Encode) -> None:
    drawing = draw(noise)
    data = encoded(drawing, "png").data
    assert len(data) <= 1.02 * by_pillow(drawing)


@pytest.mark.parametrize(("size", "number"), [((1, 600), 1), ((600, 1), 2)])
def test_the_filter_follows_the_direction_of_the_picture(size: tuple[int, int], number: int, noise: Scene) -> None:
    streaks = noise("L", size=size).resize((600, 600), Image.Resampling.NEAREST)
    grain = noise("L", size=(600, 600)).point(lambda level: level & 7)
    assert choose_filter(ImageChops.add_modulo(streaks, grain)) == number


def test_a_photograph_between_bars_has_no_empty_parts(noise: Scene, encoded: Encode) -> None:
    picture = Image.new("RGB", (800, 1600))
    picture.paste(photograph(noise, size=(800, 1120)), (0, 240))
    data = encoded(picture, "png").data
    assert len(filters(data)) == 1
    parts = [content for name, content in chunks(data) if name == b"IDAT"]
    assert len(parts) > 1
    assert all(parts)


def test_profile_and_metadata_are_written(noise: Scene, encoded: Encode, rgb_profile: Callable[[], bytes]) -> None:
    texts = PngInfo()
    texts.add_itxt("Title", "kept")
    profile, exif = rgb_profile(), b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"
    embedded = {"icc_profile": profile, "exif": exif, "pnginfo": texts, "dpi": (300, 300)}
    data = encoded(photograph(noise), "png", embedded=embedded).data
    assert len(filters(data)) == 1
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        assert image.info["icc_profile"] == profile
        assert image.info["exif"].endswith(exif[6:])
        assert round(image.info["dpi"][0]) == 300
        assert image.info["Title"] == "kept"


@pytest.mark.parametrize("rendition", [{"effort": 4}, {"lossless": True}])
def test_who_asks_for_few_bytes_gets_the_smaller_of_both(
    rendition: dict[str, Any], noise: Scene, encoded: Encode
) -> None:
    picture = photograph(noise)
    data = encoded(picture, "png", **rendition).data
    made = png_photograph.encode(picture, {})
    assert made is not None
    assert len(data) <= min(len(made), by_pillow(picture))


def test_noise_and_any_part_of_a_photograph_keep_their_pixels(noise: Scene) -> None:
    random = Random(5)  # noqa: S311 -- seeded on purpose.
    whole, count = photograph(noise, "RGB", (600, 500)), 0
    for _ in range(40):
        size = random.randrange(1, 500), random.randrange(97, 490)
        part = whole.crop((9, 9, 9 + size[0], 9 + size[1])).convert(random.choice(MODES))
        made = png_photograph.encode(part, {})
        if made is not None:
            count += 1
            with Image.open(io.BytesIO(made)) as image:
                assert image.tobytes() == part.tobytes()
    assert count > 8
