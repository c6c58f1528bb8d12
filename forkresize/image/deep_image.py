"""Pixels of 16 bits per channel in color or with alpha, for which Pillow has no mode. Knows no file and no profile."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from PIL import ImageChops
from PIL._util import DeferredError
from PIL.Image import Image, Palette, Resampling, Transpose, frombytes, merge, new

_MODES: Mapping[int, str] = {2: "LA;16", 3: "RGB;16", 4: "RGBA;16"}
"""Names of the modes by the number of channels, after Pillow's raw modes."""

DEEP_ALPHA = frozenset({"LA;16", "RGBA;16"})

SIXTEEN_BITS = frozenset({"I;16", *_MODES.values()})

MAX_LEVEL = 65_535

LEVEL_OF_8_BITS = 257
"""Levels of 16 bits that a level of 8 bits is worth."""


class DeepImage(Image):
    """An image of 16 bits per channel: Pillow's image of a further mode, with a plane of mode I;16 for each channel.

    It does what leaves all bits as they are. Everything else that Pillow does to images raises NotImplementedError:
    callers convert to 8 bits first.

    Attributes:
        planes: gray and alpha; red, green and blue; or these and alpha, which is straight.
    """

    def __init__(self, planes: Iterable[Image]) -> None:
        super().__init__()
        self.planes = tuple(planes)
        self._mode = _MODES[len(self.planes)]
        self._size = self.planes[0].size
        self._im = DeferredError(NotImplementedError(f"images of mode {self._mode} can't do this"))

    @classmethod
    def of_color(cls, size: tuple[int, int], levels: Iterable[int]) -> "DeepImage":
        """Return an image of one color, given as a level from 0 to 65535 for each channel."""
        return cls(new("I;16", size, level) for level in levels)

    def load(self) -> None:
        """Do nothing: the pixels are in the planes."""

    def getbands(self) -> tuple[str, ...]:
        """Return the names of the channels."""
        return tuple(self.mode.removesuffix(";16"))

    def split(self) -> tuple[Image, ...]:
        """Return the planes."""
        return self.planes

    def getchannel(self, channel: int | str) -> Image:
        """Return the plane of a channel."""
        return self.planes[self.getbands().index(channel) if isinstance(channel, str) else channel]

    def copy(self) -> "DeepImage":
        """Return the image itself, which never changes."""
        return self

    def crop(self, box: tuple[float, float, float, float] | None = None) -> "DeepImage":
        """Return a part; see Image."""
        return self.map_planes(lambda plane: plane.crop(box))

    def transpose(self, method: Transpose) -> "DeepImage":
        """Return the image turned or mirrored; see Image."""
        return self.map_planes(lambda plane: plane.transpose(method))

    def resize(self, size: Any, resample: int | None = None, *values: Any, **options: Any) -> "DeepImage":
        """Return the image resized without mixing pixels; see Image.

        Raises:
            NotImplementedError: the kernel mixes pixels.
        """
        if resample != Resampling.NEAREST:
            raise NotImplementedError(f"images of mode {self.mode} can't be resized by kernel {resample}")
        # Of mode I;16, Pillow takes other pixels where two are equally near.
        return self.map_planes(
            lambda plane: join_bytes(*(each.resize(size, resample, *values, **options) for each in split_bytes(plane)))
        )

    def convert(
        self,
        mode: str | None = None,
        matrix: Any = None,
        dither: Any = None,
        palette: Palette = Palette.WEB,
        colors: int = 256,
    ) -> Image:
        """Return the image in a mode of 8 bits per channel; each value is rounded."""
        image = merge(self.mode.removesuffix(";16"), [to_8_bit_gray(plane) for plane in self.planes])
        return image.convert(mode, matrix, dither, palette, colors)

    def tobytes(self, encoder_name: str = "raw", *args: Any) -> bytes:
        """Return the values pixel by pixel, in 2 bytes each: the lower one first, or last for a raw mode ``I;16B``."""
        pixels = bytearray(2 * self.width * self.height * len(self.planes))
        values = memoryview(pixels).cast("H")
        for number, plane in enumerate(self.planes):
            values[number :: len(self.planes)] = memoryview(plane.tobytes(encoder_name, *args)).cast("H")
        return bytes(pixels)

    def map_planes(self, function: Callable[[Image], Image]) -> "DeepImage":
        """Return the image with a function applied to each plane."""
        return DeepImage(function(plane) for plane in self.planes)

    def to_color(self) -> "DeepImage":
        """Return an image of mode LA;16 as RGBA;16; any other as it is."""
        gray, *others = self.planes
        return DeepImage((gray, gray, gray, *others)) if len(others) == 1 else self

    def put_on(self, canvas: tuple[int, int], offset: tuple[int, int], levels: Iterable[int]) -> "DeepImage":
        """Return the image on a canvas of one color, given as a level from 0 to 65535 for each channel."""
        whole = DeepImage.of_color(canvas, levels)
        for below, plane in zip(whole.planes, self.planes, strict=True):
            below.paste(plane, offset)
        return whole


def join_bytes(low: Image, high: Image) -> Image:
    """Return the image of mode I;16 with these lower and upper bytes, given as images of mode L."""
    # Mode LA without gaps has the bytes of I;16.
    return frombytes("I;16", low.size, merge("LA", (low, high)).tobytes())


def split_bytes(plane: Image) -> tuple[Image, Image]:
    """Return the lower and the upper bytes of an image of mode I;16, as images of mode L."""
    low, high = frombytes("LA", plane.size, plane.tobytes()).split()
    return low, high


def mark_equal(plane: Image, level: int) -> Image:
    """Return an image of mode L, white where a plane has this level and black elsewhere."""
    low, high = (
        each.point([255 * (number == wanted) for number in range(256)])
        for each, wanted in zip(split_bytes(plane), (level % 256, level // 256), strict=True)
    )
    return ImageChops.darker(low, high)


def to_8_bit_gray(image: Image) -> Image:
    """Return an image of mode I;16 scaled to mode L."""
    return image.convert("I").point(to_eight_bits(), "L")


@cache
def to_eight_bits() -> list[int]:
    """Return the 8-bit value of each 16-bit value."""
    return [(value + LEVEL_OF_8_BITS // 2) // LEVEL_OF_8_BITS for value in range(MAX_LEVEL + 1)]
