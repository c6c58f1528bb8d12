"""Reads 16 bits per channel by Pillow, which keeps 8: it decodes a file twice, for the upper and for the lower bytes.

Pillow's raw modes differ in the bytes that they take: ``RGB;16B`` the first of each pair, ``RGB;16L`` the second. A
reader of this package may hold all bits instead.
"""

import sys
from collections.abc import Callable, Collection, Mapping
from typing import Protocol, cast

from PIL import ImageChops
from PIL.Image import Image
from PIL.ImageFile import ImageFile

from forkresize.image.decode.depth import EIGHT_BIT_MODES, EIGHT_BITS, read_depth
from forkresize.image.deep_image import DeepImage, join_bytes, mark_equal

_OTHER_END = {"L": "B", "B": "L", "N": "B" if sys.byteorder == "little" else "L"}

_OTHER_BYTES: Mapping[str, str] = {
    f"{channels};16{end}": f"{channels};16{other}"
    for channels in ("RGB", "RGBX", "RGBA")
    for end, other in _OTHER_END.items()
}
"""The raw modes of the lower bytes, by those of the upper bytes."""

_GRAY_ALPHA, _ALL_FOUR = "LA;16B", "RGBA"
"""Pillow has no raw mode for the lower bytes of gray with alpha. RGBA holds all four bytes of a pixel."""

_PHOTOMETRIC, _RGB = 262, 2


class HoldsAllBits(Protocol):
    """A reader whose decoder returns all bits of a frame at once."""

    deep_mode: str | None
    """The mode in which the frame has all its bits; None if Pillow's image has them."""

    def take_all_bits(self) -> DeepImage:
        """Return the loaded frame with all its bits, and let go of them."""

    def drop_bits(self) -> None:
        """Let go of the bits that Pillow's image lacks."""


class DepthReader:
    """Reads the bits of a picture's frames that Pillow drops.

    Attributes:
        depth: the bits per channel of the present frame; 8 for deep grays as well, which Pillow reads.
    """

    def __init__(self) -> None:
        self.depth = EIGHT_BITS
        self._mode = ""
        self._holder: HoldsAllBits | None = None
        self._raw_mode: str | None = None
        self._transparent: tuple[int, ...] | None = None
        self._lower: ImageFile | None = None

    def note(self, image: ImageFile) -> None:
        """Note what a frame has, before it is loaded."""
        self.depth = read_depth(image) if image.mode in EIGHT_BIT_MODES else EIGHT_BITS
        self._mode = image.mode
        # For every picture, and isinstance looks at all of a protocol in 8 microseconds.
        self._holder = cast("HoldsAllBits", image) if hasattr(image, "take_all_bits") else None
        self._raw_mode = _lower_raw_mode(image) if self.depth > EIGHT_BITS else None
        transparent = image.info.get("transparency")
        self._transparent = transparent if isinstance(transparent, tuple) else None

    def give_up(self) -> None:
        """Note that the frame can't be read a second time."""
        self._raw_mode = self._holder = None

    def drop_bits(self) -> None:
        """Free the memory of bits that no output holds."""
        if self._holder:
            self._holder.drop_bits()

    def mode_for(self, modes: Collection[str]) -> str | None:
        """Return the mode in which all bits of the frame are read; None if Pillow or the outputs hold no more than 8.

        Args:
            modes: those that an output can hold.
        """
        if self._holder:
            return self._holder.deep_mode if self._holder.deep_mode in modes else None
        if self._raw_mode is None:
            return None
        if self._raw_mode == _ALL_FOUR:
            return "LA;16" if not {"LA;16", "RGBA;16"}.isdisjoint(modes) else None
        mode = "RGBA;16" if self._transparent else f"{self._mode};16"
        return mode if mode in modes else None

    def read(self, image: ImageFile, open_again: Callable[[], ImageFile]) -> DeepImage:
        """Return a frame with all its bits.

        Args:
            image: the frame, loaded; ``mode_for`` has a mode for it.
            open_again: opens the file once more.
        """
        if self._holder:
            return self._holder.take_all_bits()
        if self._lower is None:
            self._lower = open_again()
        if image.tell():
            self._lower.seek(image.tell())
        assert self._raw_mode  # noqa: S101 -- the caller asked for a mode.
        _set_raw_mode(self._lower, self._raw_mode)
        self._lower.load()
        if self._raw_mode == _ALL_FOUR:
            joined = _join_gray_alpha(self._lower)
        else:
            joined = _join_passes(image, self._lower, self._transparent)
        if image.format == "PNG":
            # The pages of a TIFF need it again.
            self._lower = None
        return joined


def _lower_raw_mode(image: ImageFile) -> str | None:
    """Return the raw mode that reads the other bytes of a frame that is not loaded; None if Pillow has none."""
    if not _is_still_png(image) and not _is_rgb_tiff(image):
        return None
    raw_modes = {_raw_mode(tile.args) for tile in image.tile}
    raw_mode = raw_modes.pop() if len(raw_modes) == 1 else ""
    return _ALL_FOUR if raw_mode == _GRAY_ALPHA else _OTHER_BYTES.get(raw_mode)


def _set_raw_mode(image: ImageFile, raw_mode: str) -> None:
    for number, tile in enumerate(image.tile):
        arguments = (raw_mode, *tile.args[1:]) if isinstance(tile.args, tuple) else raw_mode
        image.tile[number] = tile._replace(args=arguments)


def _join_passes(upper: Image, lower: Image, transparent: tuple[int, ...] | None = None) -> DeepImage:
    """Return the pixels of two passes, for the upper and for the lower bytes.

    Args:
        upper: of mode RGB or RGBA.
        lower: read by the other raw mode.
        transparent: the values of the one color that is transparent, if there is one.
    """
    image = DeepImage(join_bytes(lower.getchannel(name), upper.getchannel(name)) for name in upper.getbands())
    return _with_alpha(image, transparent) if transparent else image


def _join_gray_alpha(image: Image) -> DeepImage:
    gray_upper, gray_lower, alpha_upper, alpha_lower = image.split()
    return DeepImage((join_bytes(gray_lower, gray_upper), join_bytes(alpha_lower, alpha_upper)))


def _with_alpha(image: DeepImage, transparent: tuple[int, ...]) -> DeepImage:
    visible: Image | None = None
    for plane, level in zip(image.planes, transparent, strict=True):
        differs = ImageChops.invert(mark_equal(plane, level))
        visible = ImageChops.lighter(visible, differs) if visible else differs
    return DeepImage((*image.planes, join_bytes(visible, visible))) if visible else image


def _is_still_png(image: ImageFile) -> bool:
    return image.format == "PNG" and not getattr(image, "is_animated", False)


def _is_rgb_tiff(image: ImageFile) -> bool:
    return image.format == "TIFF" and getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == _RGB


def _raw_mode(arguments: object) -> str:
    return str(arguments[0] if isinstance(arguments, tuple) else arguments)
