"""Conditions on the arguments of system calls: Condition, and what allowed calls are restricted to."""

import fcntl
import mmap
import os
from collections.abc import Iterator

from msgspec import Struct

from forkresize.pool.sandbox.bpf import Instruction, if_equal, keep_bits, load

OWN_PID = 0x7FFFFFFF
"""Stands for the process id of the worker; Linux never assigns this one."""

_ARGUMENTS = 16
"""Offset of the first argument in ``struct seccomp_data``; each has 8 bytes, the lower half first."""

_ALL_BITS = 0xFFFFFFFF
_HALF = 4


class Condition(Struct, frozen=True):
    """Some bits of one half of an argument have one of a few values.

    The kernel ignores the upper half of an ``int``, so a condition on one leaves it out.
    """

    argument: int  # From 0 up.
    values: tuple[int, ...]
    bits: int = _ALL_BITS
    upper: bool = False

    def lines(self, denied: str) -> Iterator[Instruction | str]:
        """Yield instructions that jump to a label if it is not met, and otherwise continue behind them."""
        yield load(_ARGUMENTS + 2 * _HALF * self.argument + (_HALF if self.upper else 0))
        if self.bits != _ALL_BITS:
            yield keep_bits(self.bits)
        met = f"{denied} {self.argument} {self.upper}"
        *others, last = self.values
        for value in others:
            yield if_equal(value, then=met)
        yield if_equal(last, otherwise=denied)
        yield met


Conditions = tuple[Condition, ...]

SELF = (Condition(0, (OWN_PID,)),)
"""The first argument is the worker's process id."""

SELF_OR_0 = (Condition(0, (0, OWN_PID)),)

THREAD = (Condition(0, (0x00010000,), bits=_ALL_BITS & ~0x007D0F00 | 0x00010000),)
"""Flags of clone: CLONE_THREAD, and none but those with which C libraries start a thread."""

NOT_WRITABLE_CODE = (Condition(2, (0, mmap.PROT_WRITE, mmap.PROT_EXEC), bits=mmap.PROT_WRITE | mmap.PROT_EXEC),)
"""Protection of memory."""

MAPPING = (*NOT_WRITABLE_CODE, Condition(3, (0, 0x01, 0x20), bits=0x01 | 0x20))
"""Protection, and flags: not both MAP_SHARED and MAP_ANONYMOUS, since a process can keep pages of such memory while
they are not counted as its resident memory."""

DESCRIPTOR_COMMANDS = (Condition(1, (fcntl.F_GETFD, fcntl.F_SETFD, fcntl.F_GETFL, fcntl.F_DUPFD_CLOEXEC)),)
"""Commands of fcntl that affect a descriptor only, not who receives signals about it."""

MEMFD_COMMANDS = (Condition(1, (*DESCRIPTOR_COMMANDS[0].values, 1033, 1034)),)
"""F_ADD_SEALS and F_GET_SEALS too."""

LOCK_COMMANDS = (Condition(1, (*MEMFD_COMMANDS[0].values, fcntl.F_GETLK, fcntl.F_SETLK, fcntl.F_SETLKW)),)
"""Locks of files too."""

THREAD_NAME = (Condition(0, (15,)),)
"""Option of prctl: PR_SET_NAME."""


def query_only(argument: int) -> Conditions:
    """Return that a pointer to new values is NULL."""
    return Condition(argument, (0,)), Condition(argument, (0,), upper=True)


def open_flags(argument: int) -> Conditions:
    """Return that a file is not emptied without being opened for writing, which Landlock allows before Linux 6.2."""
    writing = (os.O_WRONLY, os.O_RDWR)
    allowed = (os.O_RDONLY, *writing, *(mode | os.O_TRUNC for mode in writing))
    return (Condition(argument, allowed, bits=os.O_ACCMODE | os.O_TRUNC),)
