"""Pillow's reader for WebP, made to decode still pictures right into the memory of the image.

Pillow decodes each file as an animation: to a canvas, which it then copies three times.
"""

import mmap
import struct
from typing import TYPE_CHECKING, Any

from PIL import Image, WebPImagePlugin, _imaging

from forkresize.formats import webp
from forkresize.formats.spec import UnsupportedContainerError

if TYPE_CHECKING:
    from forkresize.image.decode.libwebp import LibWebP


class DirectWebPImageFile(WebPImagePlugin.WebPImageFile):
    """A WebP whose pixels are decoded by libwebp if it is a still picture.

    Everything else is read by Pillow, and so is every file that libwebp finds damaged.
    """

    _has_pixels = False

    @property
    def is_decoded_directly(self) -> bool:
        """Whether it is a still picture, and libwebp is known; if that refuses it, Pillow decodes it."""
        return self.n_frames == 1 and self._library() is not None

    def load(self) -> Any:
        """Decode the pixels; see ImageFile."""
        if self._im is None and self.is_decoded_directly:
            pixels = self._decode()
            if pixels is not None:
                # Both have four bytes a pixel.
                self.im = _imaging.map_buffer(pixels, self.size, "raw", 0, (self.mode, 0, 1))
                self.info["timestamp"] = self.info["duration"] = 0
                self._has_pixels = True
        return Image.Image.load(self) if self._has_pixels else super().load()

    def _decode(self) -> mmap.mmap | None:
        """Return the pixels, with alpha or 255 as their fourth bytes; None if they are left to Pillow."""
        library = self._library()
        if library is None:
            return None
        assert self.fp is not None  # noqa: S101 -- only loading closes it.
        self.fp.seek(0)
        try:
            return library.decode(webp.coded_pixels(self.fp.read()), self.size, alpha=self.mode == "RGBA")
        except (UnsupportedContainerError, struct.error, OSError):
            # Pillow says what is wrong, or that there is no memory.
            return None

    @staticmethod
    def _library() -> "LibWebP | None":
        # ctypes is needed for WebP alone.
        from forkresize.image.decode.libwebp import find_libwebp

        return find_libwebp()
