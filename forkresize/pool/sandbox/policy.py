"""What a worker is to be held to: Confinement. Enforces nothing."""

from collections.abc import Callable
from enum import StrEnum
from io import FileIO
from typing import Any

from msgspec import Struct


class SandboxMode(StrEnum):
    """How much the kernel has to offer."""

    AUTO = "auto"
    """Take what there is."""
    ON = "on"
    """Refuse to start unless all of it is there."""
    OFF = "off"
    """Take none of it."""


class SandboxPolicy(Struct, frozen=True, kw_only=True):
    """What a worker is to be held to.

    Attributes:
        mode: whether it has to be all or nothing.
        read: directories and files that may be read, besides what the interpreter itself needs.
        write: directories in which files may be made, written, renamed and removed.
        memory: bytes of address space; None sets no limit.
        open_file: called in the pool's process with a worker's item and the path of a file that the kernel denied;
            returns the file, opened for reading, or raises an OSError. None: no file is opened for a worker.
    """

    mode: SandboxMode = SandboxMode.AUTO
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    memory: int | None = None
    open_file: Callable[[Any, str], FileIO] | None = None
