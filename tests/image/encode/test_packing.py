"""How PNGs are packed."""

import io
import zlib
from collections.abc import Callable

from PIL import Image, ImageDraw

from forkresize.image.encode import Encoded

Scene = Callable[..., Image.Image]
Encode = Callable[..., Encoded]


def clouds(noise: Scene) -> Image.Image:
    return noise(size=(40, 30)).resize((320, 240), Image.Resampling.BICUBIC)


def saved_png(image: Image.Image, strategy: int) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=4, compress_type=strategy)
    return file.getvalue()


def test_a_photograph_of_few_rows_is_packed_by_runs_alone(noise: Scene, encoded: Encode) -> None:
    """Larger ones are written without Pillow's encoder."""
    photograph = clouds(noise).crop((0, 0, 320, 90))
    assert encoded(photograph, "png").data == saved_png(photograph, zlib.Z_RLE)
    assert len(saved_png(photograph, zlib.Z_RLE)) <= len(saved_png(photograph, zlib.Z_DEFAULT_STRATEGY))


def test_a_drawing_is_packed_both_ways_and_the_smaller_kept(encoded: Encode) -> None:
    letters = Image.new("RGB", (300, 200), "white")
    for number in range(40):
        ImageDraw.Draw(letters).text((number * 37 % 250, number * 53 % 190), "the same words", "black")
    both = [saved_png(letters, zlib.Z_RLE), saved_png(letters, zlib.Z_DEFAULT_STRATEGY)]
    assert encoded(letters, "png").data == min(both, key=len) == both[1]


def test_a_small_drawing_with_much_metadata_is_packed_both_ways(encoded: Encode) -> None:
    letters = Image.new("RGB", (96, 64), "white")
    for number in range(8):
        ImageDraw.Draw(letters).text((3, number * 8), "the same words", "black")
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\0" + bytes(9000)
    bare, loaded = encoded(letters, "png").data, encoded(letters, "png", embedded={"exif": exif}).data
    assert len(loaded) - len(bare) < len(exif) + 20
