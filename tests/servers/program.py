"""Start a server for tests as a private instance on the loopback interface, and stop it."""

import contextlib
import glob
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import pytest

HOST = "127.0.0.1"

START_DEADLINE = 60.0
"""Seconds after which a server that does not answer counts as broken; a busy machine is slow."""

_STOP_DEADLINE = 20.0
_INTERVAL = 0.05


def uses(server: str) -> list[pytest.MarkDecorator]:
    """Return the marks of tests that use a server. Those of one server run in one process of pytest-xdist."""
    return [pytest.mark.server, pytest.mark.xdist_group(server)]


def find_program(command: str, package: str) -> str:
    """Return the path of a program. Without it, the test is skipped, or fails if FORKRESIZE_REQUIRE_SERVERS is set.

    Args:
        command: its name on PATH, or in Debian's directories of system programs and of PostgreSQL.
        package: what to install, as the reason shows it.
    """
    folders = ["/usr/local/sbin", "/usr/sbin", "/sbin", *glob.glob("/usr/lib/postgresql/*/bin")]
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *folders])
    return shutil.which(command, path=path) or skip(f"install {package}: {command} is not on PATH")


def skip(reason: str) -> NoReturn:
    """Skip a test since its server cannot run here; fail it if FORKRESIZE_REQUIRE_SERVERS is set."""
    if os.environ.get("FORKRESIZE_REQUIRE_SERVERS"):
        pytest.fail(reason)
    pytest.skip(reason)


def find_free_port() -> int:
    """Return a port of the loopback interface that no socket uses now."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
        return port


def accepts_connections(port: int) -> bool:
    """Return whether a server listens on a port of the loopback interface."""
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
        return True
    return False


def wait_until(is_ready: Callable[[], bool], process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until a server is ready; fail with the end of its log if it exits, or is not within START_DEADLINE."""
    deadline = time.monotonic() + START_DEADLINE
    while not is_ready():
        if process.poll() is not None or time.monotonic() > deadline:
            lines = log.read_text(errors="replace").splitlines()[-20:]
            pytest.fail("\n".join([f"{process.args!r} did not start, exit code {process.poll()}", *lines]))
        time.sleep(_INTERVAL)


@contextlib.contextmanager
def run_server(
    command: Sequence[str],
    log: Path,
    is_ready: Callable[[], bool],
    env: Mapping[str, str] | None = None,
    stop: int = signal.SIGTERM,
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a server until the block ends. The kernel kills it if this process dies.

    Args:
        command: the program and its arguments.
        log: the file for its output.
        is_ready: whether it answers.
        env: variables besides those of this process.
        stop: the signal that asks it to exit.

    Yields:
        The process, which leads a session and a process group of its own.
    """
    guard = ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*guard, *command],
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until(is_ready, process, log)
        yield process
    finally:
        stop_server(process, stop)


@contextlib.contextmanager
def freeze(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """Suspend a server of ``run_server`` until the block ends: the kernel accepts connections, and nothing answers."""
    os.killpg(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGCONT)


def stop_server(process: "subprocess.Popen[bytes]", stop: int = signal.SIGTERM) -> None:
    """Ask a server to exit, and kill its process group when it has exited, or does not in time."""
    if process.poll() is None:
        process.send_signal(stop)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_DEADLINE)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
