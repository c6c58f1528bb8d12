"""Pillow's readers for icons, made to read the PNGs in them as tolerantly as others, and for cursors."""

import io
from types import SimpleNamespace

from PIL import IcnsImagePlugin, IcoImagePlugin, PngImagePlugin

from forkresize.image.decode import cursor
from forkresize.image.decode.png import TolerantPngImageFile
from forkresize.image.decode.rebind import rebind

_PNG = SimpleNamespace(**vars(PngImagePlugin) | {"PngImageFile": TolerantPngImageFile})


class _IcoFile(IcoImagePlugin.IcoFile):
    frame = rebind(IcoImagePlugin.IcoFile.frame, PngImagePlugin=_PNG)


class TolerantIcoImageFile(IcoImagePlugin.IcoImageFile):
    """An icon whose PNGs are read by TolerantPngImageFile."""

    _open = rebind(IcoImagePlugin.IcoImageFile._open, IcoFile=_IcoFile)  # noqa: SLF001


class CurImageFile(TolerantIcoImageFile):
    """A cursor, read as an icon, since Pillow applies the mask of black and white ones only.

    Reported as python-pillow/Pillow#9637; #9641 solves it for black and white.
    """

    format = "CUR"
    format_description = "Windows Cursor"

    def _open(self) -> None:
        assert self.fp is not None  # noqa: S101 -- it was read from a moment ago.
        self.fp = io.BytesIO(cursor.to_icon(self.fp.read()))
        super()._open()


_read_png = rebind(IcnsImagePlugin.read_png_or_jpeg2000, PngImagePlugin=_PNG)


class _IcnsFile(IcnsImagePlugin.IcnsFile):
    SIZES = {  # noqa: RUF012 -- as in the base class.
        size: [(code, _read_png if read is IcnsImagePlugin.read_png_or_jpeg2000 else read) for code, read in parts]
        for size, parts in IcnsImagePlugin.IcnsFile.SIZES.items()
    }


class TolerantIcnsImageFile(IcnsImagePlugin.IcnsImageFile):
    """A set of icons whose PNGs are read by TolerantPngImageFile."""

    _open = rebind(IcnsImagePlugin.IcnsImageFile._open, IcnsFile=_IcnsFile)  # noqa: SLF001
