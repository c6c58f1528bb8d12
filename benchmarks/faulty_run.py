"""A run in a forked process that meets a fault, such as being killed at its n-th event."""

import json
import mmap
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forkresize import Recipe, Settings, run
from forkresize.exit_policy import exit_code_for_error

_EVENTS = frozenset(
    [
        "open",
        "os.rename",
        "os.remove",
        "os.mkdir",
        "os.rmdir",
        "os.utime",
        "os.truncate",
        "os.link",
        "os.scandir",
        "os.listdir",
        "os.fork",
        "fcntl.flock",
        "fcntl.fcntl",
        "sqlite3.connect",
        "ctypes.call_function",
        "shutil.copyfile",
        "os.chmod",
        "os.chown",
    ]
)
"""What Python announces to audit hooks before it happens; see sys.addaudithook."""

_DEADLINE = 60


@dataclass(frozen=True)
class Kill:
    """When to kill what.

    Attributes:
        worker: whether to kill a worker instead of the process of the run.
        event: the number of the event before which it is killed.
    """

    worker: bool
    event: int

    def __call__(self) -> None:
        """Have this process, or its first worker to get there, killed before the event; at most once."""
        parent, counts, shot = os.getpid(), {"events": 0}, mmap.mmap(-1, 1)

        def count(event: str, _: object) -> None:
            if event in _EVENTS and (os.getpid() != parent) == self.worker:
                counts["events"] += 1
                if counts["events"] >= self.event and not shot[0]:
                    shot[0] = 1
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)


@dataclass(frozen=True)
class Ending:
    """How a run ended.

    Attributes:
        code: its exit code; a negative signal if it was killed; None if it did not end in time.
        summary: its totals; empty if it did not get to the end.
        error: what it printed about an error.
    """

    code: int | None
    summary: dict[str, Any]
    error: str

    @property
    def cause(self) -> str:
        """The last place in a traceback, and the last line."""
        lines = [line.strip() for line in self.error.strip().splitlines()]
        places = [line for line in lines if line.startswith("File ")]
        return " ".join([*places[-1:], *lines[-1:]])


def run_forked(
    sources: Sequence[Path],
    destination: Path,
    recipe: Recipe,
    settings: Settings,
    arm: Callable[[], object] | None = None,
) -> Ending:
    """Do a run in a forked process, and return how it ended.

    Args:
        sources: as for ``forkresize.run``.
        destination: as for ``forkresize.run``.
        recipe: as for ``forkresize.run``.
        settings: as for ``forkresize.run``.
        arm: called in the forked process before the run; arranges for a fault.
    """
    with tempfile.TemporaryFile("w+") as answer:
        pid = os.fork()
        if pid == 0:
            code = 70
            try:
                if arm is not None:
                    arm()
                summary = run(sources, destination, recipe, settings=settings)
                code = summary.exit_code
                counts = {name: getattr(summary, name) for name in ("written", "failed", "pruned", "unchanged")}
                os.write(answer.fileno(), f"{json.dumps(counts)}\n".encode())
            except BaseException as error:  # noqa: BLE001  It never returns into the code of the parent.
                code = exit_code_for_error(error)  # As the command does.
                os.write(answer.fileno(), f"\n{traceback.format_exc()}".encode())
            finally:
                os._exit(code)
        ended = _wait(pid)
        answer.seek(0)
        totals, _, message = answer.read().partition("\n")
    return Ending(ended, json.loads(totals) if totals else {}, message)


def _wait(pid: int) -> int | None:
    deadline = time.monotonic() + _DEADLINE
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None
