"""The echo of keys on a terminal: off while a view is drawn there, which keys would tear."""

import contextlib
import os
import termios
from collections.abc import Iterator
from typing import IO

from forkresize.pool import leaving_announced

_SHOW_CURSOR = "\x1b[?25h"
_HIDE_CURSOR = "\x1b[?25l"
_LOCAL_MODES = 3
"""Index of the modes with ECHO in what ``termios.tcgetattr`` returns."""


class Echo:
    """Turns the echo of a terminal off and on. What is typed in between stays in the terminal's queue, for the shell.

    It does nothing if the file is not a terminal, or another job of the shell has the terminal: a process in the
    background would be suspended for changing it.

    Args:
        file: the terminal.
    """

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._modes: int | None = None

    @contextlib.contextmanager
    def off(self) -> Iterator[None]:
        r"""Have no echo in the block; the echo is back while the process is suspended, and when Ctrl-\ ends it."""
        self._turn_off()
        try:
            with leaving_announced(self._leave, self._resume):
                yield
        finally:
            self._restore()

    def _turn_off(self) -> None:
        with contextlib.suppress(OSError, ValueError, termios.error):
            descriptor = self._file.fileno()
            if not _has_foreground(descriptor):
                return
            modes = termios.tcgetattr(descriptor)[_LOCAL_MODES]
            if modes & termios.ECHO:
                self._modes = modes
                _set_modes(descriptor, modes & ~termios.ECHO)

    def _restore(self) -> None:
        modes, self._modes = self._modes, None
        with contextlib.suppress(OSError, ValueError, termios.error):
            if modes is not None and _has_foreground(self._file.fileno()):
                _set_modes(self._file.fileno(), modes)

    def _leave(self) -> None:
        if self._modes is not None:
            self._restore()
            self._write(_SHOW_CURSOR)

    def _resume(self) -> None:
        self._turn_off()
        if self._modes is not None:
            self._write(_HIDE_CURSOR)

    def _write(self, text: str) -> None:
        # Not through the file, which may be in the middle of a write.
        with contextlib.suppress(OSError, ValueError):
            os.write(self._file.fileno(), text.encode())


def _has_foreground(descriptor: int) -> bool:
    return os.tcgetpgrp(descriptor) == os.getpgrp()


def _set_modes(descriptor: int, modes: int) -> None:
    attributes = termios.tcgetattr(descriptor)
    attributes[_LOCAL_MODES] = modes
    termios.tcsetattr(descriptor, termios.TCSANOW, attributes)
