"""Opens files with Pillow's readers, or with those made of them that drop damage, and takes files that end early.

They are subclasses. Pillow's own readers and settings stay as they are for the rest of the process.
"""

import inspect
import struct
from collections.abc import Iterable
from functools import cache
from types import SimpleNamespace
from typing import Any, BinaryIO, cast

from PIL import ImageFile, UnidentifiedImageError

from forkresize.image.decode.plugins import reader_of
from forkresize.image.decode.rebind import rebind

_PREFIX = 16
"""Bytes by which Pillow's readers recognize their formats."""


def open_image(file: BinaryIO, formats: Iterable[str]) -> ImageFile.ImageFile:
    """Open a file with the first reader that accepts it, as ``Image.open`` does.

    Args:
        file: stands at its beginning.
        formats: Pillow's names of the formats to try.

    Raises:
        UnidentifiedImageError: no reader accepts it; its cause is the error of the first reader for such files.
    """
    prefix, refusal = file.read(_PREFIX), cast("Exception | None", None)
    for name in formats:
        reader, accepts = reader_of(name)
        try:
            accepted = accepts is None or accepts(prefix)
            if isinstance(accepted, str):
                # It says that this Pillow was built without the format.
                refusal = refusal or NotImplementedError(accepted)
            elif accepted:
                file.seek(0)
                return reader(file, "")
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
