"""Whether a file is meant to be a picture, by its first bytes. Loads no decoder: a stranger's file may crash those."""

import os

from forkresize import storage
from forkresize.image.formats import SIGNATURE, SIGNATURE_LENGTH, SUFFIXES, TOLD_BY_SUFFIX


def is_picture(path: str) -> bool:
    """Whether the file begins as a picture does, be it whole or damaged; of rare formats, whether its suffix says so.

    Raises:
        OSError: it can't be read.
    """
    with storage.open_source(path) as file:
        head = file.read(SIGNATURE_LENGTH)
    if SIGNATURE.match(head):
        return True
    return bool(head) and SUFFIXES.get(os.path.splitext(path)[1].lower()) in TOLD_BY_SUFFIX
