"""Pillow's plug-ins, and the readers that take the place of some: loaded for one format, or for all."""

from collections.abc import Callable, Iterable
from functools import cache
from importlib import import_module
from typing import Any

from PIL import Image, ImageFile

from forkresize.formats.registry import MODULES, PLUGINS

_READERS = {
    "PNG": ("png", "FastPngImageFile"),
    "WEBP": ("webp", "DirectWebPImageFile"),
    "TIFF": ("tiff", "TolerantTiffImageFile"),
    "AVIF": ("avif", "SingleThreadedAvifImageFile"),
    "ICO": ("icons", "TolerantIcoImageFile"),
    "CUR": ("icons", "CurImageFile"),
    "ICNS": ("icons", "TolerantIcnsImageFile"),
    "XBM": ("xbm", "XbmImageFile"),
    "JXL": ("jxl", "LazyJxlImageFile"),
    "FTEX": ("ftex", "FtexImageFile"),
    "PCX": ("pcx", "PcxImageFile"),
    "SGI": ("sgi", "SgiImageFile"),
    "HEIF": ("heif", "DeepHeifImageFile"),
}
"""The module here and the class that reads a format, by Pillow's name of it."""

Reader = Callable[..., ImageFile.ImageFile]

Accepts = Callable[[bytes], Any] | None
"""Returns whether a file that begins with these bytes may be of the format; None if only opening it shows that."""


def load_plugins(formats: Iterable[str] | None = None) -> None:
    """Import what reads and writes formats.

    Args:
        formats: Pillow's names of them; None for all that Pillow reads. Those of optional packages are loaded when
            they are needed.
    """
    for plugin in PLUGINS if formats is None else {MODULES[name] for name in formats if name in MODULES}:
        _import_plugin(plugin)
    for name in MODULES if formats is None else formats:
        _reader_class(name)


def reader_of(name: str) -> tuple[Reader, Accepts]:
    """Return what reads a format, by Pillow's name, and what recognizes it by a file's first bytes."""
    if name in MODULES:
        _import_plugin(MODULES[name])
    reader, accepts = Image.OPEN[name]
    return _reader_class(name) or reader, accepts


@cache
def _import_plugin(plugin: str) -> None:
    import_module(f"PIL.{plugin}ImagePlugin")


@cache
def _reader_class(name: str) -> Reader | None:
    if name not in _READERS:
        return None
    module, reader = _READERS[name]
    found: Reader = getattr(import_module(f"forkresize.image.decode.{module}"), reader)
    return found
