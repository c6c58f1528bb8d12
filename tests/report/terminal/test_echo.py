"""The echo of keys. What happens on the terminal of a shell is in tests/e2e/test_terminal.py."""

import os
import pty
import termios
from io import StringIO

from forkresize.report.terminal.echo import Echo


def test_other_files_are_left_alone() -> None:
    for file in (StringIO(), open(os.devnull, "w", encoding="utf-8")):  # noqa: SIM115 (closed below)
        with file, Echo(file).off():
            file.write("text")


def test_terminal_of_another_session_is_left_alone() -> None:
    main, other = pty.openpty()
    with open(other, "w", encoding="utf-8") as terminal, Echo(terminal).off():
        assert termios.tcgetattr(other)[3] & termios.ECHO
    os.close(main)
