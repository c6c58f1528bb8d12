"""Shared by the tests of pool processes: types, marks, and files that cross."""

import os
import signal
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from typing import Any

import pytest

from forkresize.pool import PoolProcess, WithFiles, sealed_memfd

WaitUntil = Callable[[Callable[[], object]], None]
Start = Callable[..., PoolProcess[Any]]


ON_LINUX = [
    pytest.mark.timeout(60),
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux"),
]
"""Marks of tests that start pool processes."""


def kill_supervisor(pool: PoolProcess[Any]) -> None:
    pid = pool.supervisor_pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def with_files(*contents: bytes) -> WithFiles[str]:
    return WithFiles("name", tuple(map(sealed_memfd, contents)))


def close(*files: FileIO) -> None:
    for file in files:
        file.close()
