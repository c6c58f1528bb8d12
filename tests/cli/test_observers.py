"""The views of a run on a real terminal."""

import os
import pty
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.protocols import Draw

TABLE = b"pictures/s"

RunOnTerminal = Callable[..., tuple[bytes, bytes]]

pytestmark = pytest.mark.slow


@pytest.fixture
def on_terminal(tmp_path: Path, draw: Draw, command: list[str]) -> RunOnTerminal:
    """Run the command with a terminal as standard error; return its output there and on standard output."""
    for number in range(5):
        draw(tmp_path / f"in/{number} [red].jpg", (800, 600), seed=number)

    def run(*arguments: str, term: str = "xterm") -> tuple[bytes, bytes]:
        main, terminal = pty.openpty()
        env = {**os.environ, "TERM": term, "COLUMNS": "100", "LINES": "30"}
        with subprocess.Popen(
            [*command, "in", "out", "--width", "400", *arguments],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=terminal,
            env=env,
        ) as process:
            os.close(terminal)
            shown = b""
            while chunk := read_some(main):
                shown += chunk
            assert process.stdout is not None
            out = process.stdout.read()
        os.close(main)
        assert process.returncode == 0
        return shown, out

    return run


def read_some(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""  # All other descriptors of the terminal are closed.


def test_terminal_gets_the_live_view_and_the_table(on_terminal: RunOnTerminal) -> None:
    shown, out = on_terminal()
    assert "━".encode() in shown
    assert TABLE in shown
    assert out == b""


def test_dumb_terminal_gets_a_plain_bar_and_the_table(on_terminal: RunOnTerminal) -> None:
    shown, _ = on_terminal(term="dumb")
    assert b"pictures" in shown
    assert TABLE in shown
    assert b"\x1b" not in shown


def test_quiet_prints_nothing_on_a_terminal(on_terminal: RunOnTerminal) -> None:
    assert on_terminal("--quiet") == (b"", b"")


def test_table_is_printed_without_progress(on_terminal: RunOnTerminal) -> None:
    shown, _ = on_terminal("--progress", "none")
    assert "━".encode() not in shown
    assert TABLE in shown


@pytest.mark.parametrize("progress", ["rich", "tqdm", "none"])
def test_verbose_lines_go_with_any_view(on_terminal: RunOnTerminal, progress: str) -> None:
    shown, _ = on_terminal("--verbose", "--progress", progress)
    assert shown.count(b"[red].jpg  ") >= 5


def test_json_is_alone_on_standard_output(on_terminal: RunOnTerminal) -> None:
    _, out = on_terminal("--json", "--verbose")
    assert out.startswith(b'{"schema": 1,')
    assert out.count(b"\n") == 1
