"""Windows cursors, whose mask says what is transparent, and X bitmaps, in which a set bit is black."""

import io
import random
import struct
import time

import pytest
from PIL import Image

from forkresize.image.errors import PictureError
from forkresize.image.transform import transform
from forkresize.recipe import Recipe

SIDE = 32
HOTSPOT = 7, 24
"""Where an icon has planes and bits, so that these must not be taken for 24 bits."""

RED, TRANSPARENT = (200, 30, 40, 255), (0, 0, 0, 0)


def cursor(*bitmaps: bytes, side: int = SIDE) -> bytes:
    """Return a cursor file of bitmaps, each with its mask behind it."""
    head, body = struct.pack("<HHH", 0, 2, len(bitmaps)), b""
    for number, bitmap in enumerate(bitmaps):
        offset = 6 + 16 * len(bitmaps) + len(body)
        head += struct.pack("<BBBBHHII", side >> number, side >> number, 0, 0, *HOTSPOT, len(bitmap), offset)
        body += bitmap
    return head + body


def bitmap(bits: int, hidden: set[tuple[int, int]], *, side: int = SIDE, alpha: int = 0) -> bytes:
    """Return a red bitmap of 1, 4, 8, 24 or 32 bits, hidden at some places; the mask has rows of 32 bits."""
    header = struct.pack("<IiiHHIIiiII", 40, side, side * 2, 1, bits, 0, 0, 0, 0, 0, 0)
    palette = b"" if bits > 8 else bytes((40, 30, 200, 0)) * 2**bits
    pixel = bytes((40, 30, 200, alpha))[: bits // 8] if bits > 8 else b""
    pixels = pixel * side * side if pixel else bytes(side * side * bits // 8)
    rows = [sum(1 << (31 - x) for x in range(side) if (x, y) in hidden) for y in reversed(range(side))]
    return header + palette + pixels + b"".join(struct.pack(">I", row) for row in rows)


def read(data: bytes, name: str = "a.cur") -> Image.Image:
    image = Image.open(io.BytesIO(transform(data, Recipe.of(format="png"), name=name)[0].data))
    return image.convert("RGBA")


def places(seed: int) -> set[tuple[int, int]]:
    source = random.Random(seed)  # noqa: S311 -- seeded on purpose.
    return {(source.randrange(SIDE), source.randrange(SIDE)) for _ in range(300)}


@pytest.mark.parametrize("bits", [1, 4, 8, 24, 32])
def test_the_mask_hides_pixels(bits: int) -> None:
    hidden = places(bits)
    image = read(cursor(bitmap(bits, hidden)))
    assert image.size == (SIDE, SIDE)
    pixels = [(image.getpixel((x, y)), (x, y) in hidden) for x in range(SIDE) for y in range(SIDE)]
    assert {color for color, is_hidden in pixels if not is_hidden} == {RED}
    assert {color[3] for color, is_hidden in pixels if is_hidden and isinstance(color, tuple)} == {0}


def test_alpha_counts_where_there_is_some() -> None:
    image = read(cursor(bitmap(32, places(1), alpha=128)))
    assert image.getextrema() == ((200, 200), (30, 30), (40, 40), (128, 128))


def test_the_largest_picture_is_used() -> None:
    large, small = bitmap(24, places(1)), bitmap(24, set(), side=SIDE // 2)
    assert read(cursor(large, small)).size == (SIDE, SIDE)


def test_a_png_in_a_cursor() -> None:
    Image.new("RGBA", (SIDE, SIDE), (1, 2, 3, 99)).save(file := io.BytesIO(), "PNG")
    assert read(cursor(file.getvalue())).getpixel((3, 3)) == (1, 2, 3, 99)


def test_a_directory_whose_pictures_overlap_does_not_multiply_the_work() -> None:
    number, side = 20_000, 512
    picture = bitmap(32, set(), side=side)
    entry = struct.pack("<BBBBHHII", 0, 0, 0, 0, *HOTSPOT, len(picture), 6 + 16 * number)
    began = time.process_time()
    assert read(struct.pack("<HHH", 0, 2, number) + entry * number + picture).size == (side, side)
    assert time.process_time() - began < 10


@pytest.mark.parametrize("length", [0, 5, 21, 22, 40, 61, 62, 70, 3000])
def test_a_cursor_that_ends_early_is_damaged(length: int) -> None:
    with pytest.raises(PictureError):
        read(cursor(bitmap(24, set()))[:length])


def test_a_set_bit_of_an_x_bitmap_is_black() -> None:
    text = b"#define a_width 8\n#define a_height 2\nstatic char a_bits[] = {\n0x05, 0xff};\n"
    image = read(text, "a.xbm").convert("L")
    assert list(image.get_flattened_data()) == [0, 255, 0, 255, 255, 255, 255, 255, *[0] * 8]
