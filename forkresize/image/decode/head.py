"""Looks into the file of an opened picture behind its decoder's back. Understands nothing of what it finds."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from PIL.ImageFile import ImageFile

HEAD = 1 << 16
"""Bytes that hold what is said of a picture before its pixels, as a rule."""


@contextmanager
def rewound(image: ImageFile) -> Iterator[IO[bytes]]:
    """Lend the file of a picture that isn't loaded yet, at its beginning; the decoder finds it where it was."""
    file = image.fp
    assert file is not None  # noqa: S101 -- it is closed by loading.
    position = file.tell()
    file.seek(0)
    try:
        yield file
    finally:
        file.seek(position)


def read_head(image: ImageFile, offset: int = 0, size: int = HEAD) -> bytes:
    """Return the first bytes of a file, or of a part of it that begins at an offset and has a size."""
    with rewound(image) as file:
        file.seek(offset)
        return file.read(min(size, HEAD))
