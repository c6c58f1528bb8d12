"""Which view is shown where, on a real terminal."""

import os
import pty
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.protocols import Draw

TABLE = b"pictures/s"


@pytest.fixture
def on_terminal(tmp_path: Path, draw: Draw, command: list[str]) -> Callable[..., tuple[bytes, bytes]]:
    """Run the command with a terminal as standard error; return what came on it, and on standard output."""
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
        return b""  # The last holder of a terminal has closed it.


def test_a_terminal_gets_the_live_view_and_the_table(on_terminal: Callable[..., tuple[bytes, bytes]]) -> None:
    shown, out = on_terminal()
    assert "━".encode() in shown
    assert TABLE in shown
    assert out == b""


def test_a_dumb_terminal_gets_a_plain_bar_and_the_table(on_terminal: Callable[..., tuple[bytes, bytes]]) -> None:
    shown, _ = on_terminal(term="dumb")
    assert b"pictures" in shown
    assert TABLE in shown
    assert b"\x1b" not in shown


def test_quiet_is_quiet_on_a_terminal_too(on_terminal: Callable[..., tuple[bytes, bytes]]) -> None:
    assert on_terminal("--quiet") == (b"", b"")


def test_no_progress_leaves_the_table(on_terminal: Callable[..., tuple[bytes, bytes]]) -> None:
    shown, _ = on_terminal("--progress", "none")
    assert "━".encode() not in shown
    assert TABLE in shown


@pytest.mark.parametrize("progress", ["rich", "tqdm", "none"])
def test_a_line_for_each_source_goes_with_any_view(
    on_terminal: Callable[..., tuple[bytes, bytes]], progress: str
) -> None:
    shown, _ = on_terminal("--verbose", "--progress", progress)
    assert shown.count(b"[red].jpg  ") >= 5


def test_json_on_standard_output_is_alone_there(on_terminal: Callable[..., tuple[bytes, bytes]]) -> None:
    _, out = on_terminal("--json", "--verbose")
    assert out.startswith(b'{"schema": 1,')
    assert out.count(b"\n") == 1
