"""seccomp: allows a process only the system calls that workers need."""

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct

from forkresize.pool.libc import Libc
from forkresize.pool.sandbox import syscalls
from forkresize.pool.sandbox.arguments import OWN_PID, Conditions
from forkresize.pool.sandbox.bpf import INSTRUCTION_SIZE, Instruction, assemble, finish, if_at_least, if_equal, load

_PR_SET_SECCOMP = 22
_MODE_FILTER = 2
_GET_ACTION_AVAILABLE = 2

_ALLOW = 0x7FFF0000
_KILL_PROCESS = 0x80000000
_ERRNO = 0x00050000

_NUMBER, _ARCHITECTURE = 0, 4
"""Offsets into ``struct seccomp_data``."""

Verdict: TypeAlias = Conditions | int
"""What a system call has to meet to be allowed, or the error number that it fails with."""


class Architecture(Struct, frozen=True):
    """A CPU architecture whose system call numbers are known. All are little-endian."""

    name: str
    audit: int  # Its ``AUDIT_ARCH_*`` number.
    seccomp: int  # The number of the system call ``seccomp``.

    def number_of(self, call: syscalls.Call) -> int | None:
        """Return the number of a call, if the architecture has it."""
        return call.x86_64 if self.name == "x86_64" else call.aarch64


ARCHITECTURES = {
    each.name: each for each in (Architecture("x86_64", 0xC000003E, 317), Architecture("aarch64", 0xC00000B7, 277))
}
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

    def __init__(self, libc: Libc, groups: Sequence[syscalls.Group]) -> None:
        """Create a filter that allows some groups of system calls.

        Raises:
            LookupError: the system call numbers of this machine are not known.
        """
        self._libc = libc
        self._program = bytearray(allow_list(ARCHITECTURES[_machine()], groups))
        own = OWN_PID.to_bytes(4, sys.byteorder)
        ends = range(INSTRUCTION_SIZE, len(self._program) + 1, INSTRUCTION_SIZE)
        self._pids = [slice(end - 4, end) for end in ends if self._program[end - 4 : end] == own]

    def enforce(self) -> None:
        """Apply it to this process and all its threads; they may send signals to this process only.

        Raises:
            OSError: the call failed.
        """
        own = os.getpid().to_bytes(4, sys.byteorder)
        for place in self._pids:
            self._program[place] = own
        instructions = (ctypes.c_char * len(self._program)).from_buffer(self._program)
        # struct sock_fprog: number of instructions and their address.
        pointer = struct.pack("HP", len(self._program) // INSTRUCTION_SIZE, ctypes.addressof(instructions))
        self._libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, pointer)


def _machine() -> str:
    # A 32-bit process has other system calls.
    return platform.machine() if sys.maxsize > 1 << 32 else ""


def allowed_groups(*, memfds: bool = False, tools: bool = False) -> list[syscalls.Group]:
    """Return the groups of system calls for workers, and those for memfds and for tools that write in a worker."""
    return [*syscalls.GROUPS.values(), *[syscalls.MEMFDS] * memfds, *[syscalls.TOOLS] * tools]


def allow_list(machine: Architecture, groups: Sequence[syscalls.Group]) -> bytes:
    """Return the program of a filter, in which OWN_PID stands for the process.

    Any other system call fails with EPERM, or with ENOSYS if an old kernel does not have it either. One of another
    architecture kills the process: no library makes one.

    Args:
        machine: the architecture.
        groups: what to allow. Of calls with the same name, the last one counts.
    """
    return assemble(_lines(machine, groups))


def _lines(machine: Architecture, groups: Sequence[syscalls.Group]) -> Iterator[Instruction | str]:
    yield load(_ARCHITECTURE)
    yield if_equal(machine.audit, then="own")
    yield finish(_KILL_PROCESS)
    yield "own"
    yield load(_NUMBER)
    yield from _search(_find_runs(_verdicts(machine, groups)))


def _verdicts(machine: Architecture, groups: Sequence[syscalls.Group]) -> Mapping[int, Verdict]:
    column = list(ARCHITECTURES).index(machine.name)
    verdicts: dict[int, Verdict] = {syscalls.FIRST_UNKNOWN: errno.ENOSYS}
    verdicts |= {numbers[column]: errno.ENOSYS for numbers in syscalls.UNSUPPORTED.values()}
    verdicts |= {numbers[column]: errno.ENOTTY for numbers in syscalls.NO_TERMINAL.values()}
    calls = {name: call for group in groups for name, call in group.items()}
    numbered = ((machine.number_of(call), call.conditions) for call in calls.values())
    return verdicts | {number: conditions for number, conditions in numbered if number is not None}


def _find_runs(verdicts: Mapping[int, Verdict]) -> list[tuple[int, Verdict]]:
    """Return the first numbers of runs of system calls with the same verdict, in order, and the verdicts."""
    runs: list[tuple[int, Verdict]] = []
    for number in range(syscalls.FIRST_UNKNOWN + 1):
        verdict = verdicts.get(number, errno.EPERM)
        if not runs or verdict != runs[-1][1]:
            runs.append((number, verdict))
    return runs


def _search(runs: Sequence[tuple[int, Verdict]]) -> Iterator[Instruction | str]:
    """Yield a binary search of the loaded number, which the kernel also runs for each number when a worker starts."""
    if len(runs) == 1:
        yield from _decide(*runs[0])
        return
    middle = len(runs) // 2
    upper = f"from {runs[middle][0]}"
    yield if_at_least(runs[middle][0], upper)
    yield from _search(runs[:middle])
    yield upper
    yield from _search(runs[middle:])


def _decide(number: int, verdict: Verdict) -> Iterator[Instruction | str]:
    if isinstance(verdict, int):
        yield finish(_ERRNO | verdict)
        return
    denied = f"denied {number}"
    for condition in verdict:
        yield from condition.lines(denied)
    yield finish(_ALLOW)
    if verdict:
        yield from (denied, finish(_ERRNO | errno.EPERM))
