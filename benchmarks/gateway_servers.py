"""The servers that gateway.py compares, each with its fastest settings for two lanes."""

import contextlib
import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
HOST = "127.0.0.1"
FORKRESIZED = os.path.join(os.path.dirname(sys.executable), "forkresized")

_DEADLINE = 60.0

_HEIGHTS = 64
"""More than there are connections."""

_THUMBOR = """\
LOADER = "thumbor.loaders.file_loader"
FILE_LOADER_ROOT_PATH = {folder!r}
STORAGE = "thumbor.storages.no_storage"
RESULT_STORAGE = None
ALLOW_UNSAFE_URL = True
QUALITY = 80
AUTO_WEBP = False
"""


@dataclass(frozen=True)
class Server:
    """A server that runs.

    Attributes:
        pid: of its first process.
        port: where it listens.
        path: returns the path of a URL for a width and the name of a picture.
    """

    pid: int
    port: int
    path: Callable[[int, str], str]


@contextlib.contextmanager
def forkresize(folder: str, workers: int, *arguments: str) -> Iterator[Server]:
    """Run this project's gateway."""
    port = _free_port()
    command = [FORKRESIZED, "gateway", "--root", f"p={folder}", "--unsigned", "--port", str(port)]
    with _run([*command, "--workers", str(workers), *arguments], port) as pid:
        # Equal requests that meet would be made once. The height makes them differ, without effect; there are few
        # heights, as a site asks for few sizes.
        heights = itertools.cycle(range(10_000, 10_000 + _HEIGHTS))
        yield Server(pid, port, lambda width, name: f"/i/unsafe/rs:fit:{width}:{next(heights)}/q:80/plain/p/{name}")


@contextlib.contextmanager
def fastify(folder: str, workers: int) -> Iterator[Server]:
    """Run Fastify with sharp."""
    port = _free_port()
    command = ["node", str(HERE / "fastify.mjs"), folder, str(port)]
    with _run(command, port, UV_THREADPOOL_SIZE=str(workers)) as pid:
        yield Server(pid, port, lambda width, name: f"/{width}/{name}")


@contextlib.contextmanager
def thumbor(folder: str, workers: int) -> Iterator[Server]:
    """Run thumbor with as many processes as workers."""
    port = _free_port()
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write(_THUMBOR.format(folder=folder))
        file.flush()
        command = ["thumbor", "--ip", HOST, "--port", str(port), "--processes", str(workers), "--conf", file.name]
        with _run(command, port) as pid:
            yield Server(pid, port, lambda width, name: f"/unsafe/{width}x0/{name}")


SERVERS = {"forkresize": forkresize, "fastify": fastify, "thumbor": thumbor}


def available() -> list[str]:
    """Return the servers that are installed."""
    modules = os.environ.get("NODE_PATH", "")
    has_fastify = shutil.which("node") is not None and os.path.isdir(os.path.join(modules, "fastify"))
    found = {"forkresize": True, "fastify": has_fastify, "thumbor": shutil.which("thumbor") is not None}
    return [name for name in SERVERS if found[name]]


@contextlib.contextmanager
def _run(command: list[str], port: int, **environment: str) -> Iterator[int]:
    """Run a server until the body ends; yield its process id when it accepts connections."""
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(
            command, stdout=log, stderr=log, env={**os.environ, **environment}, start_new_session=True
        ) as process,
    ):
        try:
            _wait_for(process, port)
            yield process.pid
        finally:
            process.terminate()
            try:
                process.wait(30)
            finally:
                # thumbor leaves its children behind.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)


def _wait_for(process: "subprocess.Popen[bytes]", port: int) -> None:
    end = time.monotonic() + _DEADLINE
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
            return
        time.sleep(0.1)
    raise SystemExit(f"{process.args!r} does not listen on port {port}")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
        return port
