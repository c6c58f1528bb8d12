"""Landlock: restricts a process to some files, and denies it TCP and signals to others.

See https://docs.kernel.org/userspace-api/landlock.html and ``include/uapi/linux/landlock.h``.
"""

import errno
import os
import stat
import struct
import sys
from collections.abc import Iterable

from forkresize.pool.libc import Libc

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
"""System calls; they have the same numbers on all architectures."""

_CREATE_RULESET_VERSION = 1

_PATH_BENEATH = 1


class Access:
    """Operations on files; ``LANDLOCK_ACCESS_FS_*``. Numbers, as an enumeration of them takes as long as a module."""

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
"""The ABI version that introduced an operation, if not the first."""

_EVERY = (Access.IOCTL_DEV << 1) - 1
"""All operations; IOCTL_DEV is the last."""

_OF_FILES = Access.EXECUTE | Access.WRITE_FILE | Access.READ_FILE | Access.TRUNCATE | Access.IOCTL_DEV
"""Operations that a rule for a file may allow; the others are for directories."""

READ = Access.READ_FILE
TRAVERSE = Access.READ_FILE | Access.READ_DIR
WRITE = Access.WRITE_FILE | Access.TRUNCATE | Access.MAKE_REG
MANAGE = WRITE | Access.READ_FILE | Access.MAKE_DIR | Access.REMOVE_FILE
"""For tools that write in a worker."""

_NET_SINCE, _SCOPED_SINCE = 4, 6
_NET = 0b11
"""Binding and connecting TCP sockets."""
_SCOPED = 0b11
"""Abstract Unix sockets, and signals to processes outside of the sandbox."""


def abi_version() -> int:
    """Return the version of Landlock's ABI that the kernel supports; 0 if it does not support Landlock.

    See https://docs.kernel.org/userspace-api/landlock.html#backward-and-forward-compatibility.

    Raises:
        OSError: the kernel refuses for another reason.
    """
    if sys.platform != "linux":
        return 0
    try:
        return Libc().syscall(_CREATE_RULESET, None, 0, _CREATE_RULESET_VERSION)
    except OSError as error:
        # Not built in, not enabled, or hidden by a container's seccomp filter.
        if error.errno in {errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM}:
            return 0
        raise


def supported_access(abi: int) -> int:
    """Return all operations that a version of the ABI can deny."""
    return _EVERY & ~sum(access for access, version in _NEW_IN.items() if version > abi)


class Ruleset:
    """Which files a process may access. Created before the fork, applied in each worker by a single call.

    Everything that the kernel can deny is denied, except what allow() allows.
    """

    def __init__(self, libc: Libc, abi: int) -> None:
        """Create a ruleset that allows nothing.

        Args:
            libc: the C library.
            abi: version of the ABI, from 1 up.

        Raises:
            OSError: the call failed.
        """
        self._libc = libc
        self._handled = supported_access(abi)
        parts = [self._handled] + [_NET] * (abi >= _NET_SINCE) + [_SCOPED] * (abi >= _SCOPED_SINCE)
        attributes = struct.pack(f"={len(parts)}Q", *parts)
        self._descriptor = libc.syscall(_CREATE_RULESET, attributes, len(attributes), 0)

    def allow(self, paths: Iterable[str], access: int) -> None:
        """Allow operations on files and on everything below directories; ignore paths that do not exist.

        Raises:
            OSError: the kernel rejects the rule.
        """
        for path in paths:
            try:
                fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except OSError:
                continue
            try:
                self._add(fd, access & self._handled)
            finally:
                os.close(fd)

    def _add(self, fd: int, access: int) -> None:
        allowed = access if stat.S_ISDIR(os.fstat(fd).st_mode) else access & _OF_FILES
        self._libc.syscall(_ADD_RULE, self._descriptor, _PATH_BENEATH, struct.pack("=Qi", allowed, fd), 0)

    def enforce(self) -> None:
        """Apply it to this process and all that it will start.

        Raises:
            OSError: the call failed, for example because sixteen rulesets are active already.
        """
        self._libc.syscall(_RESTRICT_SELF, self._descriptor, 0)

    def close(self) -> None:
        """Close its descriptor."""
        os.close(self._descriptor)
