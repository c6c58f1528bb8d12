"""The files of watermarks: as they are on the disk, or as a process was given them."""

import io
from collections.abc import Mapping
from typing import BinaryIO

from forkresize.store.files import open_source

_CONTENTS: dict[str, bytes] = {}


def use_contents(contents: Mapping[str, bytes]) -> None:
    """Use these contents of files in this process from now on; other files are read from the disk.

    A service that runs long has recorded what it makes under the hash of a file, which may change on the disk.

    Args:
        contents: by path.
    """
    _CONTENTS.update(contents)


def open_file(path: str) -> BinaryIO:
    """Open the picture or the font of a watermark.

    Raises:
        OSError: it cannot be read.
    """
    found = _CONTENTS.get(path)
    return io.BufferedReader(open_source(path)) if found is None else io.BytesIO(found)
