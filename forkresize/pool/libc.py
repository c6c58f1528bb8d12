"""The C library's calls that Python has no name for. Holds no policy."""

import ctypes
import os
import signal
import struct
import sys

_PR_SET_PDEATHSIG = 1

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
"""Names of settings in glibc's malloc.h."""
_CAPABILITY_VERSION = 0x20080522


class Libc:
    """The C library; made before the fork, so that a worker loads nothing."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(None, use_errno=True)
        self._library.syscall.restype = ctypes.c_long

    def die_with(self, parent: int) -> None:
        """Let the kernel kill this process when the thread that forked it ends, where it can (Linux).

        Args:
            parent: process id of the parent; it may have died before this call, so this process may end in it.
        """
        if sys.platform == "linux":
            self._library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    def keep_at_most(self, size: int) -> None:
        """Have the allocator keep no more freed memory than this, in bytes, if it is glibc's."""
        if hasattr(self._library, "mallopt"):
            self._library.mallopt(_M_TRIM_THRESHOLD, size)
            self._library.mallopt(_M_MMAP_THRESHOLD, size // 2)

    def give_back(self) -> None:
        """Have the allocator give all freed memory back to the system, if it is glibc's."""
        if hasattr(self._library, "malloc_trim"):
            self._library.malloc_trim(0)

    def reseed(self) -> None:
        """Give ``rand()`` a seed of its own; else it is the same in all forked processes."""
        self._library.srand(int.from_bytes(os.urandom(4)))

    def call(self, number: int, *arguments: int | bytes | None) -> int:
        """Make a system call by its number; bytes are passed by their address.

        Raises:
            OSError: the kernel refuses.
        """
        # Left to itself, ctypes would pass numbers as 32 bits and leave the upper half of a register as it is.
        wide = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
        return _checked(self._library.syscall(ctypes.c_long(number), *wide))

    def control(self, option: int, *arguments: int | bytes) -> int:
        """Call ``prctl``.

        Raises:
            OSError: the kernel refuses.
        """
        wide = [ctypes.c_long(each) if isinstance(each, int) else each for each in (*arguments, 0, 0, 0, 0)[:4]]
        return _checked(self._library.prctl(option, *wide))

    def keep_capabilities(self, kept: int) -> None:
        """Give up all of root's capabilities but some; see capabilities(7). Others have none to give up.

        Args:
            kept: a bit for each, as ``linux/capability.h`` numbers them, below 32.

        Raises:
            OSError: the kernel refuses.
        """
        header = struct.pack("=Ii", _CAPABILITY_VERSION, 0)
        data = ctypes.create_string_buffer(24)
        _checked(self._library.capget(header, data))
        effective, permitted, *_ = struct.unpack("=6I", data.raw)
        _checked(self._library.capset(header, struct.pack("=6I", effective & kept, permitted & kept, 0, 0, 0, 0)))


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
