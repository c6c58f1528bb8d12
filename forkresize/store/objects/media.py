"""The MIME type that an object is put with, by the suffix of its key."""

from functools import cache
from mimetypes import MimeTypes

from forkresize.formats import SPECS


def guess_content_type(key: str) -> str:
    """Return the MIME type of a key's image format, or what Python knows of its suffix."""
    _, dot, suffix = key.rpartition("/")[2].rpartition(".")
    found, encoding = _types().guess_type(f"x{dot}{suffix if dot else ''}", strict=False)
    return found or (f"application/{encoding}" if encoding else "application/octet-stream")


@cache
def _types() -> MimeTypes:
    """Return Python's own table, independent of the machine's files, with the image formats of forkresize."""
    types = MimeTypes(filenames=())
    for spec in SPECS.values():
        for suffix in spec.suffixes:
            types.add_type(spec.media_type, suffix)
    return types
