"""The reader of the optional package for HEIF, made to keep the bits beyond 8. The package decodes all of them, or 8.

Loads the package: import this module only for a HEIF.
"""

from typing import Any

from PIL import ImageChops
from PIL.Image import Image, frombytes
from pillow_heif import HeifFile, HeifImageFile

from forkresize.image.color.light import from_share, to_share
from forkresize.image.decode.rebind import rebind
from forkresize.image.deep_image import DeepImage, join_bytes, split_bytes
from forkresize.image.resample.deep import divide_light

_BYTE = 8

_GRAY = "I;16"
_MODES = {"RGB;16": "RGB", "RGBA;16": "RGBA", "RGBa;16": "RGBA"}
"""Pillow's modes of the upper bytes, by the mode of all bits in the package's terms; RGBa is premultiplied."""

_PREMULTIPLIED = "RGBa;16"

_UPPER, _LOWER = "L", "B"
"""Ends of Pillow's raw modes that take one of two bytes: the second, and the first."""


def _open_with_all_bits(file: Any, **options: Any) -> HeifFile:
    return HeifFile(file, **{**options, "convert_hdr_to_8bit": False})  # type: ignore[no-untyped-call]


class DeepHeifImageFile(HeifImageFile):
    """A HEIF that is decoded once, to the bits that it has; Pillow's image has the upper bytes of colors.

    The decoder fills values of fewer than 16 bits with zeros below. Here they are filled with their own upper bits, so
    that white is 65535.

    Attributes:
        deep_mode: the mode in which ``take_all_bits`` returns the frame; None if Pillow's image has all bits.
    """

    deep_mode: str | None = None

    _open = rebind(HeifImageFile._open, HeifFile=_open_with_all_bits)  # noqa: SLF001
    _decoded: tuple[bytes, str, int] | None = None

    def _init_from_heif_file(self, img_index: int) -> None:
        super()._init_from_heif_file(img_index)
        upper = _MODES.get(self._mode)
        self.deep_mode = f"{upper};16" if upper else None
        self._mode = upper or self._mode

    def frombytes(self, data: Any, decoder_name: str = "raw", *args: Any) -> None:
        """Take the pixels that were decoded; see Image. Called when the frame is loaded."""
        ((mode, stride),) = args
        if mode == _GRAY:
            lower, upper = split_bytes(frombytes(_GRAY, self.size, data, decoder_name, mode, stride))
            self.im = join_bytes(self._fill(lower, upper), upper).im
            return
        if mode in _MODES:
            self._decoded = data, mode, stride
            mode += _UPPER
        super().frombytes(data, decoder_name, (mode, stride))

    def take_all_bits(self) -> DeepImage:
        """Return the loaded frame with all its bits, which are let go of; ``deep_mode`` must have a mode."""
        assert self._decoded  # noqa: S101 -- it was loaded.
        mode = self._decoded[1]
        # Pillow's image has straight colors.
        upper = self._unpack(_UPPER) if mode == _PREMULTIPLIED else self
        lower = self._unpack(_LOWER)
        self.drop_bits()
        # One channel at a time, for less memory.
        bands = ((lower.getchannel(name), upper.getchannel(name)) for name in upper.getbands())
        image = DeepImage(join_bytes(self._fill(low, high), high) for low, high in bands)
        return _to_straight(image) if mode == _PREMULTIPLIED else image

    def _unpack(self, end: str) -> Image:
        """Return one of the two bytes of each value."""
        assert self._decoded  # noqa: S101 -- see above.
        data, mode, stride = self._decoded
        bands = _MODES[mode]
        return frombytes(bands, self.size, data, "raw", f"{bands};16{end}", stride)

    def drop_bits(self) -> None:
        """Let go of the bits that Pillow's image lacks."""
        self._decoded = None

    def _fill(self, lower: Image, upper: Image) -> Image:
        """Return the lower bytes of a channel with the upper bits of each value below its own bits."""
        beyond = int(self.info["bit_depth"]) - _BYTE
        return ImageChops.add(lower, upper.point([byte >> beyond for byte in range(256)]))


def _to_straight(image: DeepImage) -> DeepImage:
    """Return an image of mode RGBA;16 whose colors are multiplied by its alpha with straight colors."""
    *colors, alpha = image.planes
    opacity = to_share(alpha)
    return DeepImage((*(from_share(divide_light(to_share(plane), opacity)) for plane in colors), alpha))
