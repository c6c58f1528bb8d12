"""What a worker may do: SandboxPolicy."""

from collections.abc import Callable
from enum import StrEnum
from io import FileIO
from typing import Any

from msgspec import Struct


class SandboxMode(StrEnum):
    """How many of the kernel's layers to use."""

    AUTO = "auto"
    """Those that the kernel supports."""
    ON = "on"
    """All; refuse to start if one is unsupported."""
    OFF = "off"
    """None."""


class SandboxPolicy(Struct, frozen=True, kw_only=True):
    """What a worker may do.

    Attributes:
        mode: how many layers to use.
        read: directories and files that may be read, besides what the interpreter needs.
        write: directories in which files may be created and written, but not read, renamed or removed.
        memory: bytes of address space; None for no limit.
        open_file: called in the pool's process with a worker's item and the path of a file that the kernel denied;
            returns the file, opened for reading, or raises an OSError. None opens no file for a worker.
        create_memfds: whether a worker may create memfds, for results with files.
    """

    mode: SandboxMode = SandboxMode.AUTO
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    memory: int | None = None
    open_file: Callable[[Any, str], FileIO] | None = None
    create_memfds: bool = False
