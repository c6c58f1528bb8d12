"""What the header of a picture's file says: its size and format. Decodes no pixel."""

import io
import os
import warnings
from dataclasses import dataclass

from forkresize import storage
from forkresize.image.faults import faults_told, unreadable
from forkresize.image.identify import identified

_BUFFER = 1 << 13
"""Bytes read at once; most headers are shorter."""

_NO_LIMIT = 10**15


@dataclass(frozen=True, slots=True)
class Probed:
    """What is known of a picture without its pixels.

    Attributes:
        width: in pixels, as stored.
        height: likewise.
        format: in Pillow's lower-case name.
        bytes: size of the file.
    """

    width: int
    height: int
    format: str
    bytes: int


def probe(path: str) -> Probed:
    """Read the header of a picture.

    Raises:
        PictureError: it can't be read, is no picture, or is damaged.
    """
    try:
        raw = storage.open_source(path)
    except OSError as error:
        raise unreadable(path, error) from error
    with io.BufferedReader(raw, _BUFFER) as file, faults_told(path, _NO_LIMIT), warnings.catch_warnings():
        # Whoever made the file has told what there is to say about it.
        warnings.simplefilter("ignore")
        image = identified(file, path)
        width, height = image.size
        return Probed(width, height, _own_name(image.format), os.fstat(raw.fileno()).st_size)


def _own_name(name: str | None) -> str:
    # A JPEG with further pictures behind the first.
    return "jpeg" if name == "MPO" else str(name).lower()
