"""Pillow's readers, made to drop damage outside the pixels, to correct pixels, and to take files that end early.

They are subclasses. Pillow's own readers and settings stay as they are for the rest of the process.
"""

import inspect
import io
import struct
from collections.abc import Callable, Iterable
from functools import cache
from types import SimpleNamespace
from typing import Any, BinaryIO, cast

from PIL import (
    AvifImagePlugin,
    IcnsImagePlugin,
    IcoImagePlugin,
    Image,
    ImageChops,
    ImageFile,
    PngImagePlugin,
    UnidentifiedImageError,
    XbmImagePlugin,
)

from forkresize.image.decode import cursor
from forkresize.image.decode.jxl import LazyJxlImageFile
from forkresize.image.decode.png import FastPngImageFile, TolerantPngImageFile
from forkresize.image.decode.rebind import rebind
from forkresize.image.decode.tiff import TolerantTiffImageFile

_PREFIX = 16
"""Bytes by which Pillow's readers recognize their formats."""


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


class XbmImageFile(XbmImagePlugin.XbmImageFile):
    """An X bitmap in which a set bit is black, as in X11 and in all other programs; Pillow's are negatives.

    Its tracker (https://github.com/python-pillow/Pillow/issues) has no report of it that we know of.
    """

    def load_end(self) -> None:
        """Invert the pixels; see ImageFile."""
        self.im = ImageChops.invert(Image.Image()._new(self.im)).im  # noqa: SLF001
        super().load_end()


_read_png = rebind(IcnsImagePlugin.read_png_or_jpeg2000, PngImagePlugin=_PNG)


class _IcnsFile(IcnsImagePlugin.IcnsFile):
    SIZES = {  # noqa: RUF012 -- as in the base class.
        size: [(code, _read_png if read is IcnsImagePlugin.read_png_or_jpeg2000 else read) for code, read in parts]
        for size, parts in IcnsImagePlugin.IcnsFile.SIZES.items()
    }


class TolerantIcnsImageFile(IcnsImagePlugin.IcnsImageFile):
    """A set of icons whose PNGs are read by TolerantPngImageFile."""

    _open = rebind(IcnsImagePlugin.IcnsImageFile._open, IcnsFile=_IcnsFile)  # noqa: SLF001


class SingleThreadedAvifImageFile(AvifImagePlugin.AvifImageFile):
    """An AVIF that is decoded in one thread: the pictures are spread over the CPUs already."""

    _open = rebind(AvifImagePlugin.AvifImageFile._open, _get_default_max_threads=lambda: 1)  # noqa: SLF001


_READERS: dict[str, Callable[..., ImageFile.ImageFile]] = {
    "PNG": FastPngImageFile,
    "TIFF": TolerantTiffImageFile,
    "AVIF": SingleThreadedAvifImageFile,
    "ICO": TolerantIcoImageFile,
    "CUR": CurImageFile,
    "XBM": XbmImageFile,
    "ICNS": TolerantIcnsImageFile,
    "JXL": LazyJxlImageFile,
}


def open_image(file: BinaryIO, formats: Iterable[str]) -> ImageFile.ImageFile:
    """Open a file with the first reader that accepts it, as ``Image.open`` does.

    Args:
        file: stands at its beginning.
        formats: Pillow's names of the formats to try, whose plug-ins are loaded.

    Raises:
        UnidentifiedImageError: no reader accepts it; its cause is the error of the first reader for such files.
    """
    prefix, refusal = file.read(_PREFIX), cast("Exception | None", None)
    for name in formats:
        reader, accepts = Image.OPEN[name]
        try:
            accepted = accepts is None or accepts(prefix)
            if isinstance(accepted, str):
                # It says that this Pillow was built without the format.
                refusal = refusal or NotImplementedError(accepted)
            elif accepted:
                file.seek(0)
                return _READERS.get(name, reader)(file, "")
        except (SyntaxError, IndexError, TypeError, struct.error) as error:
            # Without tracebacks, whose frames would keep memory until a garbage collection.
            error.__context__ = None
            refusal = refusal or error.with_traceback(None)
    raise UnidentifiedImageError("cannot identify image file") from refusal


class _TruncatedImageFile(ImageFile.ImageFile):
    """Loads what a file holds that ends early, as if ``ImageFile.LOAD_TRUNCATED_IMAGES`` were set."""

    load = rebind(ImageFile.ImageFile.load, LOAD_TRUNCATED_IMAGES=True)


_TRUNCATED = {"ImageFile": SimpleNamespace(**vars(ImageFile) | {"LOAD_TRUNCATED_IMAGES": True})}


def accept_truncated(image: ImageFile.ImageFile) -> None:
    """Make an opened image load what is there of its file; missing pixels are gray or black."""
    parts: tuple[Any, ...] = image, getattr(image, "png", None)
    for part in parts:
        if part is not None:
            part.__class__ = _truncated_reader(part.__class__)


@cache
def _truncated_reader(reader: type) -> type:
    methods = {
        name: rebind(method, **_TRUNCATED)
        for name, method in inspect.getmembers(reader, inspect.isfunction)
        if "LOAD_TRUNCATED_IMAGES" in method.__code__.co_names and "ImageFile" in method.__code__.co_names
    }
    bases = (reader, _TruncatedImageFile) if issubclass(reader, ImageFile.ImageFile) else (reader,)
    return type(reader)(reader.__name__, bases, methods)
