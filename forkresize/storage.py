"""The former name of ``store.files``; to be removed when nothing imports it."""

import contextlib
import os

from forkresize.store.base import STATE_DIR
from forkresize.store.files import (
    FALLBACK_OPENER,
    is_case_insensitive,
    open_source,
    remove_temporary,
    set_mtime,
    temporary_path,
    write_atomic,
)
from forkresize.store.replace import back_up, copy_attributes, fsync

__all__ = [
    "FALLBACK_OPENER",
    "STATE_DIR",
    "back_up",
    "copy_attributes",
    "fsync",
    "is_case_insensitive",
    "open_source",
    "remove_output",
    "remove_temporary",
    "set_mtime",
    "temporary_path",
    "write_atomic",
]


def remove_output(path: str, destination: str) -> None:
    """Remove an output, and the directories on its way that are empty then, but not the destination.

    Raises:
        OSError: it can't be removed.
    """
    os.unlink(path)
    folder = os.path.dirname(path)
    with contextlib.suppress(OSError):
        while folder.startswith(os.path.join(destination, "")) and folder != destination.rstrip("/"):
            os.rmdir(folder)
            folder = os.path.dirname(folder)
