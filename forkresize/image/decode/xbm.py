"""Pillow's reader for X bitmaps, corrected."""

from PIL import Image, ImageChops, XbmImagePlugin


class XbmImageFile(XbmImagePlugin.XbmImageFile):
    """An X bitmap in which a set bit is black, as in X11 and in all other programs; Pillow's are negatives.

    Its tracker (https://github.com/python-pillow/Pillow/issues) has no report of it that we know of.
    """

    def load_end(self) -> None:
        """Invert the pixels; see ImageFile."""
        self.im = ImageChops.invert(Image.Image()._new(self.im)).im  # noqa: SLF001
        super().load_end()
