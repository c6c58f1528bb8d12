"""Access to the bytes of an opened picture's file, without disturbing its decoder."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from PIL.ImageFile import ImageFile

HEAD = 1 << 16
"""Bytes that usually hold all that precedes the pixels."""


@contextmanager
def rewound(image: ImageFile) -> Iterator[IO[bytes]]:
    """Yield the file of a picture that is not loaded, at its beginning; afterwards, restore its position."""
    file = image.fp
    assert file is not None  # noqa: S101 -- only loading closes it.
    position = file.tell()
    file.seek(0)
    try:
        yield file
    finally:
        file.seek(position)


def read_head(image: ImageFile, offset: int = 0, size: int = HEAD) -> bytes:
    """Return the first bytes of a file, or of the part of it with this offset and size."""
    with rewound(image) as file:
        file.seek(offset)
        return file.read(min(size, HEAD))
