"""The C library's calls that Python has no name for. Holds no policy."""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


class Libc:
    """The C library; made before the fork, so that a worker loads nothing."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(None)

    def die_with(self, parent: int) -> None:
        """Let the kernel kill this process when the thread that forked it ends, where it can (Linux).

        Args:
            parent: process id of the parent; it may have died before this call, so this process may end in it.
        """
        if sys.platform == "linux":
            self._library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    def reseed(self) -> None:
        """Give ``rand()`` a seed of its own; else it is the same in all forked processes."""
        self._library.srand(int.from_bytes(os.urandom(4)))
