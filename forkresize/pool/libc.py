"""Calls of the C library that Python does not offer."""

import ctypes
import os
import signal
import struct
import sys

_PR_SET_PDEATHSIG = 1

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
"""Settings of glibc's malloc.h."""

_MAX_MMAP_THRESHOLD = 32 << 20
"""glibc ignores larger ones."""

_CAPABILITY_VERSION = 0x20080522


class Libc:
    """The C library. Created before the fork, so that a worker loads nothing."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(None, use_errno=True)
        self._library.syscall.restype = ctypes.c_long

    def set_parent_death_signal(self, parent: int) -> None:
        """Have the kernel kill this process when the thread that started it ends (Linux only).

        Exits at once if the parent has already died.
        """
        if sys.platform == "linux":
            self._library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    def limit_malloc_cache(self, size: int) -> None:
        """Let malloc keep at most this many freed bytes, and return larger blocks to the system at once (glibc only).

        Raising the limit above glibc's default saves the page faults of memory that one task frees and the next
        allocates again.

        Args:
            size: bytes; blocks from half of it on are not cached, nor those of more than 32 MiB.
        """
        if hasattr(self._library, "mallopt"):
            self._library.mallopt(_M_TRIM_THRESHOLD, size)
            self._library.mallopt(_M_MMAP_THRESHOLD, min(size // 2, _MAX_MMAP_THRESHOLD))

    def malloc_trim(self) -> None:
        """Return all freed memory to the system (glibc only)."""
        if hasattr(self._library, "malloc_trim"):
            self._library.malloc_trim(0)

    def reseed_rand(self) -> None:
        """Give ``rand()`` a random seed; otherwise all forked processes share one sequence."""
        self._library.srand(int.from_bytes(os.urandom(4)))

    def syscall(self, number: int, *arguments: int | bytes | None) -> int:
        """Make a system call by its number; bytes are passed by address.

        Raises:
            OSError: the call failed.
        """
        # By default, ctypes passes integers as 32 bits and leaves the upper half of a register undefined.
        wide = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
        return _check(self._library.syscall(ctypes.c_long(number), *wide))

    def prctl(self, option: int, *arguments: int | bytes) -> int:
        """Call ``prctl``.

        Raises:
            OSError: the call failed.
        """
        wide = [ctypes.c_long(each) if isinstance(each, int) else each for each in (*arguments, 0, 0, 0, 0)[:4]]
        return _check(self._library.prctl(option, *wide))

    def keep_capabilities(self, kept: int) -> None:
        """Drop all capabilities of root except some; see capabilities(7). Other users have none to drop.

        Args:
            kept: one bit for each capability below 32, numbered as in ``linux/capability.h``.

        Raises:
            OSError: the call failed.
        """
        header = struct.pack("=Ii", _CAPABILITY_VERSION, 0)
        data = ctypes.create_string_buffer(24)
        _check(self._library.capget(header, data))
        effective, permitted, *_ = struct.unpack("=6I", data.raw)
        _check(self._library.capset(header, struct.pack("=6I", effective & kept, permitted & kept, 0, 0, 0, 0)))


def _check(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
