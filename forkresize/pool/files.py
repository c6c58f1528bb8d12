"""Open files that travel with a task or a result, as descriptors: WithFiles, and sealed memfds."""

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterable
from io import FileIO
from typing import Any, Generic, TypeVar

from msgspec import Struct

Value = TypeVar("Value")

MAX_FILES = 64
"""How many files a task or a result may have."""

_SEALS = 0x1 | 0x2 | 0x4 | 0x8
"""F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW and F_SEAL_WRITE; see fcntl(2)."""
_ADD_SEALS, _GET_SEALS = 1033, 1034


class WithFiles(Struct, Generic[Value], frozen=True):
    """An item or a result together with open files, whose contents cross between processes without a copy.

    A work function that is given one gets one, with descriptors of its own; the worker closes them when it returns.
    A work function may return one whose files are memfds; the worker seals and sends them, then closes them. The
    receiver of a result owns its files.

    Attributes:
        value: the item or result proper; it is serialized without the files.
        files: the files, in an order that the caller and the work function agree on.
    """

    value: Value
    files: tuple[FileIO, ...]


def sealed_memfd(data: bytes | bytearray | memoryview, name: str = "pool") -> FileIO:
    """Return an anonymous file with these contents that can never change, positioned at its start (Linux only).

    Raises:
        OSError: the system refuses.
    """
    file = FileIO(os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING), "r+b")
    try:
        view = memoryview(data).cast("B")
        while view:
            view = view[file.write(view) :]
        file.seek(0)
        seal(file)
    except BaseException:
        file.close()
        raise
    return file


def seal(file: FileIO) -> None:
    """Make a memfd immutable. Does nothing if it is sealed.

    Raises:
        ValueError: the file is not a memfd, does not allow sealing, or is mapped for writing.
    """
    if not is_sealed(file.fileno()):
        try:
            fcntl.fcntl(file.fileno(), _ADD_SEALS, _SEALS)
        except OSError as error:
            raise ValueError(f"the file is not a memfd that can be sealed: {error}") from error


def is_sealed(descriptor: int) -> bool:
    """Return whether a descriptor is a memfd that can never change, so that mapping it is safe."""
    with contextlib.suppress(OSError):
        is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
        return is_file and fcntl.fcntl(descriptor, _GET_SEALS) & _SEALS == _SEALS
    return False


def to_files(descriptors: Iterable[int]) -> tuple[FileIO, ...]:
    """Return files that own these descriptors."""
    return tuple(FileIO(descriptor) for descriptor in descriptors)


def close_all(files: Iterable[FileIO]) -> None:
    """Close files, even those whose descriptors are already closed."""
    for file in files:
        with contextlib.suppress(OSError):
            file.close()


def close_files(item: Any) -> None:
    """Close the files of an item, if it has any."""
    if isinstance(item, WithFiles):
        close_all(item.files)
