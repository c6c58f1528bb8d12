"""Pillow's image of a further mode: it does what keeps 16 bits, and refuses everything else."""

import struct
from collections.abc import Callable

import pytest
from PIL import Image

from forkresize.image.deep_image import DeepImage, join_bytes, mark_equal, split_bytes, to_8_bit_gray

SIZE = 5, 3


def plane(offset: int = 0) -> Image.Image:
    return Image.frombytes("I;16", SIZE, struct.pack("<15H", *(offset + 1000 * number for number in range(15))))


@pytest.fixture
def image() -> DeepImage:
    return DeepImage((plane(), plane(20_000), plane(40_000)))


def test_the_bytes_of_a_plane_are_split_and_joined() -> None:
    low, high = split_bytes(plane(7))
    assert (low.getpixel((1, 0)), high.getpixel((1, 0))) == (1007 % 256, 1007 // 256)
    assert join_bytes(low, high).tobytes() == plane(7).tobytes()


def test_one_level_is_found() -> None:
    assert list(mark_equal(plane(), 3000).tobytes()) == [255 * (number == 3) for number in range(15)]


def test_pixels_are_interleaved_in_both_byte_orders(image: DeepImage) -> None:
    values = struct.unpack("<45H", image.tobytes())
    assert values[:6] == (0, 20_000, 40_000, 1000, 21_000, 41_000)
    assert struct.unpack(">45H", image.tobytes("raw", "I;16B")) == values


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_the_mode_follows_from_the_channels(channels: int) -> None:
    image = DeepImage([plane()] * channels)
    assert image.mode == {2: "LA;16", 3: "RGB;16", 4: "RGBA;16"}[channels]
    assert "".join(image.getbands()) == image.mode.removesuffix(";16")
    assert image.size == SIZE
    assert image.convert().mode == image.mode.removesuffix(";16")


def test_values_are_rounded_to_8_bits(image: DeepImage) -> None:
    assert image.convert("RGB").getpixel((4, 2)) == tuple(round((14_000 + each) / 257) for each in (0, 20_000, 40_000))
    levels = Image.frombytes("I;16", (256, 256), struct.pack("<65536H", *range(65_536)))
    assert to_8_bit_gray(levels).tobytes() == bytes(int(level / 257 + 0.5) for level in range(65_536))


def test_gray_becomes_a_color(image: DeepImage) -> None:
    gray = DeepImage((plane(), plane(9)))
    assert [each.tobytes() for each in gray.to_color().planes] == [plane().tobytes()] * 3 + [plane(9).tobytes()]
    assert image.to_color() is image


@pytest.mark.parametrize(
    "change",
    [
        lambda image: image.point(lambda level: level),
        lambda image: image.getpixel((0, 0)),
        lambda image: image.rotate(3),
        lambda image: image.getextrema(),
        lambda image: image.reduce(2),
        lambda image: image.resize((2, 2), Image.Resampling.LANCZOS),
    ],
)
def test_what_would_lose_bits_raises(image: DeepImage, change: Callable[[DeepImage], object]) -> None:
    with pytest.raises((NotImplementedError, ValueError), match="mode"):
        change(image)
