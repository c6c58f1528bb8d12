"""Work functions for a PoolProcess, imported by name in its processes."""

import contextlib
import ctypes
import mmap
import os
import signal
import sys
import time
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from typing import Any

from forkresize.pool import WithFiles, sealed_memfd

LOADED: list[int] = []


def preload() -> None:
    LOADED.append(os.getpid())


def run(task: Any) -> Any:
    """Do what a task says: ``(name, *arguments)``."""
    name, *arguments = task
    return ACTIONS[name](*arguments)


def copy_upper(task: "WithFiles[str]") -> "WithFiles[str]":
    """Return the contents of all files in upper case, each in a file."""
    return WithFiles(task.value.upper(), tuple(sealed_memfd(read(file).upper()) for file in task.files))


def read(file: FileIO) -> bytes:
    size = os.fstat(file.fileno()).st_size
    if not size:
        return b""
    with mmap.mmap(file.fileno(), size, prot=mmap.PROT_READ) as data:
        return data[:]


def die_with_files(task: "WithFiles[str]") -> object:
    """Kill the worker once, then return the contents of the file."""
    once = Path(task.value)
    if not once.exists():
        once.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return read(task.files[0])


def return_unsealed(_: object) -> "WithFiles[str]":
    """Return a file that cannot be sealed."""
    return WithFiles("x", (FileIO(os.devnull),))


def count_memfds(_: object) -> int:
    """Return how many files of tasks this process has open."""
    names = os.listdir("/proc/self/fd")
    links = [os.readlink(f"/proc/self/fd/{name}") for name in names if os.path.exists(f"/proc/self/fd/{name}")]
    return sum(link.startswith("/memfd:pool") for link in links)


def _kill_supervisor(*marks: str) -> str:
    """Kill the supervisor, or do so only as long as a mark is missing."""
    for mark in marks:
        if Path(mark).exists():
            return "spared"
        Path(mark).touch()
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)
    return "unreachable"


def _wait_for(mark: str, then: str = "done") -> str:
    Path(mark + ".started").write_text(str(os.getpid()))
    while not Path(mark).exists():
        time.sleep(0.005)
    return then


def _send_garbage() -> None:
    """Write to all sockets, as code that has taken over the worker can."""
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/self/fd/{name}").startswith("socket:"):
                os.write(int(name), b"\xff" * 100)
    time.sleep(60)


def _fail(text: str) -> None:
    raise ValueError(text)


def _keep_memory() -> None:
    kept = []
    with contextlib.suppress(MemoryError):
        while True:
            kept.append(bytearray(b"x") * (1 << 20))
    time.sleep(60)


ACTIONS: dict[str, Callable[..., Any]] = {
    "double": lambda number: number * 2,
    "environment": lambda: dict(os.environ),
    "warn": lambda: os.write(2, b"careful\n"),
    "pid": lambda: (os.getpid(), os.getppid(), LOADED[:]),
    "sleep": time.sleep,
    "fail": _fail,
    "garbage": _send_garbage,
    "keep_memory": _keep_memory,
    "exit": os._exit,
    "segfault": lambda: ctypes.string_at(0),
    "kill_supervisor": _kill_supervisor,
    "wait_for": _wait_for,
    "large": bytes,
    "print": lambda: print("printed", file=sys.stdout),  # noqa: T201
}
