"""Whether a file may be a picture, by its first bytes. Loads no decoder: a stranger's file may crash those."""

import os

from forkresize import storage
from forkresize.formats.registry import SIGNATURE, SIGNATURE_LENGTH, SUFFIXES, WEAK_SIGNATURE, WITHOUT_SIGNATURE


def is_picture(path: str) -> bool:
    """Whether the file begins as a picture does, be it whole or damaged; in doubt, it may be one.

    Formats that begin with nothing of their own are told by their suffix, and so is an empty file.

    Raises:
        OSError: it can't be read.
    """
    with storage.open_source(path) as file:
        head = file.read(SIGNATURE_LENGTH)
    if SIGNATURE.match(head) or WEAK_SIGNATURE.match(head):
        return True
    by_suffix = SUFFIXES.get(os.path.splitext(path)[1].lower())
    return by_suffix in WITHOUT_SIGNATURE if head else by_suffix is not None
