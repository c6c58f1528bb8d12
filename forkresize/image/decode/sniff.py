"""Whether a file may be a picture, by its first bytes. No decoder sees it, as a hostile file could crash one."""

import os

from forkresize.formats import registry
from forkresize.formats.registry import SIGNATURE_LENGTH, SUFFIXES, WITHOUT_SIGNATURE

HEAD_LENGTH = SIGNATURE_LENGTH
"""Bytes that are enough to decide."""


def is_picture(head: bytes, name: str) -> bool:
    """Return whether a file may be a picture, damaged or not.

    Args:
        head: its first bytes, ``HEAD_LENGTH`` of them if there are as many.
        name: its name, whose suffix decides for an empty file and for formats without a signature.
    """
    if registry.recognize(head):
        return True
    # A decoder of another package may read the unreadable; otherwise the error names the format.
    beginnings = registry.weak_signature(), *registry.unreadable().values()
    if any(beginning.match(head) for beginning in beginnings):
        return True
    by_suffix = SUFFIXES.get(os.path.splitext(name)[1].lower())
    return by_suffix in WITHOUT_SIGNATURE if head else by_suffix is not None
