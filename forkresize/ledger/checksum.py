"""The hash of a file's content. Remembers nothing."""

import hashlib

from forkresize.storage import open_source

_SIZE = 16
"""Bytes of a hash: two files of one hash are not met in the life of a ledger."""


def checksum(path: str) -> bytes:
    """Return the BLAKE2b hash of a file's content, read a piece at a time.

    Raises:
        OSError: it can't be read.
    """
    with open_source(path) as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=_SIZE)).digest()
