"""The installed command on a terminal of its own, as a shell starts it: what keys do, and what remains."""

import contextlib
import fcntl
import os
import pty
import shutil
import signal
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from forkresize import Recipe, Settings, run
from tests.e2e.frozen import Workers, freeze_run
from tests.protocols import Draw, Run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks for processes where Linux lists them"),
]

DEADLINE = 30
CTRL_C = b"\x03"


class Terminal:
    """A terminal with a running command."""

    workers: Workers
    """Of a run that was frozen."""

    def __init__(self, arguments: list[str], folder: Path) -> None:
        self.main, self._other = pty.openpty()
        self.shown = b""
        os.set_blocking(self.main, False)
        # A test runner started with & ignores SIGINT, and children would inherit that.
        self.process = subprocess.Popen(
            ["env", "--default-signal", *arguments],  # noqa: S607
            cwd=folder,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "80", "LINES": "24"},
            stdin=self._other,
            stdout=self._other,
            stderr=self._other,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 (this process has no threads)
        )

    @property
    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self._other)[3] & termios.ECHO)

    def type(self, keys: bytes) -> None:
        os.write(self.main, keys)

    def wait_for(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + DEADLINE
        while not condition():
            assert time.monotonic() < deadline, self.shown.decode()
            self.read()
            time.sleep(0.01)

    def read(self) -> None:
        # A terminal gives some 4 KiB at once.
        with contextlib.suppress(BlockingIOError):
            while True:
                self.shown += os.read(self.main, 1 << 16)

    def end(self) -> int:
        self.wait_for(lambda: self.process.poll() is not None)
        self.read()
        return self.process.returncode

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.main)
        os.close(self._other)


@pytest.fixture
def terminal(tmp_path: Path, draw: Draw, command: list[str]) -> Iterator[Terminal]:
    """A terminal with a run that is under way; its workers are frozen."""
    first = draw(tmp_path / "in/00.png", (1000, 750))
    for number in range(1, 24):
        os.link(first, tmp_path / f"in/{number:02}.png")
    with contextlib.ExitStack() as stack:

        def start() -> int:
            stack.close()
            shutil.rmtree(tmp_path / "out", ignore_errors=True)
            opened = Terminal([*command, "in", "out", "--width", "600", "--workers", "2"], tmp_path)
            stack.callback(opened.close)
            opened.wait_for(lambda: b" MP/s" in opened.shown and any((tmp_path / "out").glob("*.png")))
            terminals.append(opened)
            return opened.process.pid

        terminals: list[Terminal] = []
        workers = freeze_run(start, tmp_path / "out", 24)
        terminals[-1].workers = workers
        yield terminals[-1]


def test_keys_are_not_echoed_while_the_view_is_up(terminal: Terminal) -> None:
    assert not terminal.echoes
    terminal.type(b"qqq\n")
    terminal.workers.go_on()
    assert terminal.end() == 0
    assert b"q" not in terminal.shown
    assert terminal.echoes


def test_ctrl_c_is_acknowledged_and_the_terminal_restored(terminal: Terminal) -> None:
    terminal.type(CTRL_C)
    terminal.wait_for(lambda: b"press Ctrl-C again to stop now" in terminal.shown)
    terminal.workers.go_on()
    assert terminal.end() == 128 + signal.SIGINT
    assert b"stopping: finishing " in terminal.shown
    assert b"^C" not in terminal.shown
    assert terminal.echoes


def test_second_ctrl_c_restores_the_terminal(terminal: Terminal) -> None:
    terminal.type(CTRL_C)
    terminal.wait_for(lambda: b"press Ctrl-C again" in terminal.shown)

    def insist() -> bool:
        terminal.type(CTRL_C)
        return terminal.process.poll() is not None

    terminal.wait_for(insist)
    assert terminal.end() == 128 + signal.SIGINT
    assert terminal.echoes


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_other_signals_restore_the_terminal(terminal: Terminal, signum: signal.Signals) -> None:
    terminal.process.send_signal(signum)
    terminal.workers.go_on()
    code = terminal.end()
    assert code == (-signum if signum == signal.SIGQUIT else 128 + signum)
    assert terminal.echoes
    assert terminal.shown.rindex(b"\x1b[?25h") > terminal.shown.rindex(b"\x1b[?25l")


def test_suspended_run_gives_the_terminal_back(terminal: Terminal) -> None:
    terminal.process.send_signal(signal.SIGTSTP)
    # Its session's leader has no parent in the session: the kernel discards SIGTSTP for an orphaned group.
    terminal.wait_for(lambda: terminal.shown.count(b"\x1b[?25h") == 1)
    terminal.wait_for(lambda: not terminal.echoes)
    terminal.workers.go_on()
    assert terminal.end() == 0
    assert terminal.echoes


def test_second_run_is_one_line(tmp_path: Path, draw: Draw, command: list[str], forkresize: Run) -> None:
    for number in range(14):
        draw(tmp_path / f"in/{number}.jpg")
    forkresize("in", "out", "--width", "30")
    for options in ([], ["--dry-run"], ["--verbose"]):
        opened = Terminal([*command, "in", "out", "--width", "30", *options], tmp_path)
        assert opened.end() == 0
        assert b"forkresize: everything is up to date (14 pictures)\r\n" in opened.shown
        assert b"unchanged" not in opened.shown
        opened.close()
    assert forkresize("in", "out", "--width", "30").stderr == ""
    lines = forkresize("in", "out", "--width", "30", "-vv").stderr.splitlines()
    assert [line.split()[0] for line in lines] == ["unchanged"] * 14 + ["forkresize:"]


def test_verbose_run_ends_with_totals_everywhere(tmp_path: Path, draw: Draw, forkresize: Run) -> None:
    draw(tmp_path / "in/a.jpg")
    lines = forkresize("in", "out", "--width", "30", "--dry-run", "-v").stderr.splitlines()
    assert lines == ["forkresize: 0 failed, 1 planned, 0 unchanged, 0 skipped; nothing was changed (--dry-run)"]
    lines = forkresize("in", "out", "--width", "30", "-v").stderr.splitlines()
    assert lines[-1] == "forkresize: 0 failed, 1 written, 0 unchanged, 0 skipped"


def test_memory_used_is_measured(tmp_path: Path, draw: Draw) -> None:
    draw(tmp_path / "in/a.png", (3000, 3000))
    summary = run([tmp_path / "in"], tmp_path / "out", Recipe.of(width=30), settings=Settings())
    assert 9_000_000 < summary.memory_used < summary.stats.memory


@pytest.fixture
def in_place(tmp_path: Path, draw: Draw, command: list[str]) -> Iterator[Terminal]:
    """A terminal with the question before two of three pictures are replaced: the third was."""
    draw(tmp_path / "in/0.png")
    run([tmp_path / "in"], tmp_path / "in", Recipe.of(width=9), settings=Settings(in_place=True, no_backup=True))
    draw(tmp_path / "in/1.png")
    draw(tmp_path / "in/sub/2.png")
    opened = Terminal([*command, "in", "--in-place", "--width", "9", "--workers", "2"], tmp_path)
    opened.wait_for(lambda: b"[y/N]" in opened.shown)
    yield opened
    opened.close()


def widths(folder: Path) -> list[int]:
    found = []
    for path in sorted(folder.rglob("*.png")):
        with Image.open(path) as image:
            found.append(image.width)
    return found


@pytest.mark.parametrize(
    ("keys", "code", "message"),
    [
        (b"\n", 2, b"forkresize: nothing was replaced"),
        (b"no\n", 2, b"forkresize: nothing was replaced"),
        (CTRL_C, 130, b""),
        (b"\x04", 130, b""),
    ],
)
def test_originals_without_a_backup_are_kept_unless_the_answer_is_yes(
    tmp_path: Path, in_place: Terminal, keys: bytes, code: int, message: bytes
) -> None:
    assert b"Replace 2 pictures in in? Without --backup-dir, the originals are lost. [y/N]" in in_place.shown
    in_place.type(keys)
    assert (in_place.end(), message in in_place.shown) == (code, True)
    assert widths(tmp_path / "in") == [9, 64, 64]


def test_originals_are_replaced_after_a_yes(tmp_path: Path, in_place: Terminal, command: list[str]) -> None:
    in_place.type(b"y\n")
    assert in_place.end() == 0
    assert widths(tmp_path / "in") == [9, 9, 9]
    again = Terminal([*command, "in", "--in-place", "--width", "9"], tmp_path)
    assert again.end() == 0
    assert b"everything is up to date (3 pictures)" in again.shown
    assert b"Replace" not in again.shown
    again.close()
