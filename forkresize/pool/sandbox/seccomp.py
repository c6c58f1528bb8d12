"""seccomp: denies a process system calls that no worker needs."""

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
from forkresize.pool.sandbox.bpf import Instruction, assemble, finish, if_any_bit, if_at_least, if_equal, load

_PR_SET_SECCOMP = 22
_MODE_FILTER = 2
_GET_ACTION_AVAILABLE = 2

_ALLOW = 0x7FFF0000
_KILL_PROCESS = 0x80000000
_ERRNO = 0x00050000

_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
"""Offsets into ``struct seccomp_data`` on little-endian machines."""

_CLONE_THREAD = 0x00010000

_UNUSED_PID = 0x7FFFFFFF
"""A process id that Linux never assigns; a placeholder in the program."""


class Architecture(Struct, frozen=True):
    """A CPU architecture whose system call numbers are known."""

    audit: int  # Its ``AUDIT_ARCH_*`` number.
    column: int  # The index of its numbers in the tables.
    seccomp: int  # The number of the system call ``seccomp``.


ARCHITECTURES = {"x86_64": Architecture(0xC000003E, 0, 317), "aarch64": Architecture(0xC00000B7, 1, 277)}
"""By the output of ``uname -m``."""


def is_supported(libc: Libc) -> bool:
    """Return whether the kernel supports seccomp filters and the system call numbers are known."""
    if _machine() not in ARCHITECTURES:
        return False
    try:
        libc.syscall(ARCHITECTURES[_machine()].seccomp, _GET_ACTION_AVAILABLE, 0, struct.pack("=I", _ERRNO))
    except OSError:
        return False
    return True


class Filter:
    """A filter of system calls. Created before the fork; a worker only fills in its own process id."""

    def __init__(self, libc: Libc) -> None:
        """Create a filter that denies what syscalls.py lists.

        Raises:
            LookupError: the system call numbers of this machine are not known.
        """
        self._libc = libc
        self._program = bytearray(deny_list(ARCHITECTURES[_machine()], _UNUSED_PID))
        self._pid_offset = self._program.index(_UNUSED_PID.to_bytes(4, sys.byteorder))

    def enforce(self) -> None:
        """Apply it to this process and all that it will start; they may send signals to this process only.

        Raises:
            OSError: the call failed.
        """
        self._program[self._pid_offset : self._pid_offset + 4] = os.getpid().to_bytes(4, sys.byteorder)
        instructions = (ctypes.c_char * len(self._program)).from_buffer(self._program)
        # struct sock_fprog: number of instructions and their address.
        pointer = struct.pack("HP", len(self._program) // 8, ctypes.addressof(instructions))
        self._libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, pointer)


def _machine() -> str:
    # A 32-bit process has other system calls.
    return platform.machine() if sys.maxsize > 1 << 32 else ""


def deny_list(machine: Architecture, process: int) -> bytes:
    """Return the program of a filter.

    A system call of another architecture kills the process: no library makes one.

    Args:
        machine: the architecture.
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
    yield finish(_ALLOW)
    yield from ("clone", load(_FIRST_ARGUMENT), if_any_bit(_CLONE_THREAD, "allowed", "denied"))
    yield from ("signal", load(_FIRST_ARGUMENT), if_equal(process, "allowed", "denied"))
    yield from ("allowed", finish(_ALLOW))
    yield from ("denied", finish(_ERRNO | errno.EPERM))
    yield from ("unknown", finish(_ERRNO | errno.ENOSYS))
    yield from ("foreign", finish(_KILL_PROCESS))


def _numbers(machine: Architecture, table: syscalls.Table) -> list[int]:
    return [number for numbers in table.values() if (number := numbers[machine.column]) is not None]
