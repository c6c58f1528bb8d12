"""seccomp: which system calls a process may make. Knows no files."""

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Iterator

from msgspec import Struct

from forkresize.pool.libc import Libc
from forkresize.pool.sandbox import syscalls
from forkresize.pool.sandbox.bpf import Instruction, answer, assemble, if_any_bit, if_at_least, if_equal, load

_PR_SET_SECCOMP = 22
_MODE_FILTER = 2
_GET_ACTION_AVAILABLE = 2

_ALLOW = 0x7FFF0000
_KILL_PROCESS = 0x80000000
_ERRNO = 0x00050000

_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
"""Offsets into ``struct seccomp_data``, on machines whose low bytes come first."""

_CLONE_THREAD = 0x00010000

_NOBODY = 0x7FFFFFFF
"""A process id that Linux gives nobody."""


class Architecture(Struct, frozen=True):
    """A kind of machine for which the numbers of system calls are known.

    Attributes:
        audit: what the kernel calls it, ``AUDIT_ARCH_*``.
        column: where its numbers stand in the tables.
        seccomp: the number of the system call ``seccomp``.
    """

    audit: int
    column: int
    seccomp: int


ARCHITECTURES = {"x86_64": Architecture(0xC000003E, 0, 317), "aarch64": Architecture(0xC00000B7, 1, 277)}
"""By what ``uname -m`` says."""


def is_offered(libc: Libc) -> bool:
    """Whether the kernel filters system calls, and their numbers are known."""
    if _machine() not in ARCHITECTURES:
        return False
    try:
        libc.call(ARCHITECTURES[_machine()].seccomp, _GET_ACTION_AVAILABLE, 0, struct.pack("=I", _ERRNO))
    except OSError:
        return False
    return True


class Filter:
    """A filter of system calls; made before the fork, so that a worker has but one number to fill in: its own."""

    def __init__(self, libc: Libc) -> None:
        """Make one that allows all but what a worker has no business with.

        Raises:
            LookupError: the numbers of this machine's system calls are not known.
        """
        self._libc = libc
        self._program = bytearray(deny_list(ARCHITECTURES[_machine()], _NOBODY))
        self._place = self._program.index(_NOBODY.to_bytes(4, sys.byteorder))

    def enforce(self) -> None:
        """Put it in force for this process, which alone may be sent signals, and all that it will ever start.

        Raises:
            OSError: the kernel refuses.
        """
        self._program[self._place : self._place + 4] = os.getpid().to_bytes(4, sys.byteorder)
        instructions = (ctypes.c_char * len(self._program)).from_buffer(self._program)
        # struct sock_fprog: how many instructions there are, and where.
        pointer = struct.pack("HP", len(self._program) // 8, ctypes.addressof(instructions))
        self._libc.control(_PR_SET_SECCOMP, _MODE_FILTER, pointer)


def _machine() -> str:
    # A program of 32 bits makes other calls.
    return platform.machine() if sys.maxsize > 1 << 32 else ""


def deny_list(machine: Architecture, process: int) -> bytes:
    """Return the program of a filter.

    A call of a foreign architecture ends the process: no library makes one.

    Args:
        machine: whose numbers count.
        process: the only process that may be sent signals.
    """
    return assemble(_lines(machine, process))


def _lines(machine: Architecture, process: int) -> Iterator[Instruction | str]:
    yield load(_ARCHITECTURE)
    yield if_equal(machine.audit, otherwise="foreign")
    yield load(_NUMBER)
    yield if_at_least(syscalls.FIRST_UNKNOWN, "unknown")
    for number in _numbers(machine, syscalls.UNKNOWN):
        yield if_equal(number, "unknown")
    clone, *signals = _numbers(machine, syscalls.INSPECTED)
    yield if_equal(clone, "clone")
    for number in signals:
        yield if_equal(number, "signal")
    for table in syscalls.DENIED:
        for number in _numbers(machine, table):
            yield if_equal(number, "denied")
    yield answer(_ALLOW)
    yield from ("clone", load(_FIRST_ARGUMENT), if_any_bit(_CLONE_THREAD, "allowed", "denied"))
    yield from ("signal", load(_FIRST_ARGUMENT), if_equal(process, "allowed", "denied"))
    yield from ("allowed", answer(_ALLOW))
    yield from ("denied", answer(_ERRNO | errno.EPERM))
    yield from ("unknown", answer(_ERRNO | errno.ENOSYS))
    yield from ("foreign", answer(_KILL_PROCESS))


def _numbers(machine: Architecture, table: syscalls.Table) -> list[int]:
    return [number for numbers in table.values() if (number := numbers[machine.column]) is not None]
