"""Landlock: which files a process may reach, network and signals besides. Chooses no paths.

See https://docs.kernel.org/userspace-api/landlock.html and ``include/uapi/linux/landlock.h``.
"""

import os
import stat
import struct
from collections.abc import Iterable
from enum import IntFlag

from forkresize.pool.libc import Libc

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
"""System calls, with the same numbers on all architectures."""

_PATH_BENEATH = 1


class Access(IntFlag):
    """What can be done to files; ``LANDLOCK_ACCESS_FS_*``."""

    EXECUTE = 1 << 0
    WRITE_FILE = 1 << 1
    READ_FILE = 1 << 2
    READ_DIR = 1 << 3
    REMOVE_DIR = 1 << 4
    REMOVE_FILE = 1 << 5
    MAKE_CHAR = 1 << 6
    MAKE_DIR = 1 << 7
    MAKE_REG = 1 << 8
    MAKE_SOCK = 1 << 9
    MAKE_FIFO = 1 << 10
    MAKE_BLOCK = 1 << 11
    MAKE_SYM = 1 << 12
    REFER = 1 << 13
    TRUNCATE = 1 << 14
    IOCTL_DEV = 1 << 15


_NEW_IN = {Access.REFER: 2, Access.TRUNCATE: 3, Access.IOCTL_DEV: 5}
"""The interface's version that brought what the first one did not have."""

_OF_FILES = Access.EXECUTE | Access.WRITE_FILE | Access.READ_FILE | Access.TRUNCATE | Access.IOCTL_DEV
"""What a rule about a file may say; the rest is about directories."""

READ = Access.READ_FILE
TRAVERSE = Access.READ_FILE | Access.READ_DIR
WRITE = Access.READ_FILE | Access.WRITE_FILE | Access.TRUNCATE | Access.MAKE_REG | Access.MAKE_DIR | Access.REMOVE_FILE

_NET_SINCE, _SCOPED_SINCE = 4, 6
_NET = 0b11
"""Bind and connect by TCP."""
_SCOPED = 0b11
"""Abstract Unix sockets, and signals to processes outside."""


def supported_access(abi: int) -> Access:
    """Return all that a version of the interface can deny."""
    every = Access(0)
    for access in Access:
        every |= access if _NEW_IN.get(access, 1) <= abi else 0
    return every


class Ruleset:
    """Which files may be reached; made before the fork, put in force in each worker by a single call.

    Everything that the kernel can deny is denied, but for what allow() allows.
    """

    def __init__(self, libc: Libc, abi: int) -> None:
        """Make a ruleset that allows nothing.

        Args:
            libc: the C library.
            abi: the version of the interface, from 1 up.

        Raises:
            OSError: the kernel refuses.
        """
        self._libc = libc
        self._handled = supported_access(abi)
        parts = [int(self._handled)] + [_NET] * (abi >= _NET_SINCE) + [_SCOPED] * (abi >= _SCOPED_SINCE)
        attributes = struct.pack(f"={len(parts)}Q", *parts)
        self._descriptor = libc.call(_CREATE_RULESET, attributes, len(attributes), 0)

    def allow(self, paths: Iterable[str], access: Access) -> None:
        """Allow something to be done to files, and to all below directories; what is not there is passed over.

        Raises:
            OSError: the kernel refuses the rule.
        """
        for path in paths:
            try:
                place = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except OSError:
                continue  # Nobody can reach it.
            try:
                self._add(place, access & self._handled)
            finally:
                os.close(place)

    def _add(self, place: int, access: Access) -> None:
        allowed = access if stat.S_ISDIR(os.fstat(place).st_mode) else access & _OF_FILES
        self._libc.call(_ADD_RULE, self._descriptor, _PATH_BENEATH, struct.pack("=Qi", allowed, place), 0)

    def enforce(self) -> None:
        """Put it in force for this process and all that it will ever start.

        Raises:
            OSError: the kernel refuses, as when there are sixteen such around this process already.
        """
        self._libc.call(_RESTRICT_SELF, self._descriptor, 0)

    def close(self) -> None:
        """Close it on this side."""
        os.close(self._descriptor)
