"""Runs of the command that are held while they are under way: no test depends on how fast a machine is."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

ATTEMPTS = 10
DEADLINE = 30


def children(pid: int) -> list[int]:
    """Return the children of a process; none if it has ended."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


class Workers:
    """The workers of a run."""

    def __init__(self, pid: int) -> None:
        self.pids = children(pid)

    def send(self, signum: signal.Signals) -> None:
        """Send a signal to those that are left."""
        for pid in self.pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signum)

    def freeze(self) -> None:
        """Stop them."""
        self.send(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let them continue."""
        self.send(signal.SIGCONT)


def freeze_run(start: Callable[[], int], out: Path, sources: int) -> Workers:
    """Start a run, and freeze its workers when it has made some of its outputs.

    A test that gets no processor for a while may be too late: then it starts another run.

    Args:
        start: ends the run before, removes its outputs, starts a run, and returns its process after the first output.
        out: its destination.
        sources: how many outputs the whole run makes.
    """
    for _ in range(ATTEMPTS):
        workers = Workers(start())
        workers.freeze()
        made = sum(path.is_file() and path.parent.name != ".forkresize" for path in out.rglob("*"))
        # Each worker is given two pictures at most.
        if workers.pids and made < sources - 2 * len(workers.pids):
            return workers
    raise AssertionError("each run was over before its workers were stopped")


@contextlib.contextmanager
def frozen_command(
    arguments: Sequence[str], out: Path, sources: int
) -> Iterator[tuple["subprocess.Popen[bytes]", Workers]]:
    """Run a command in the directory of the test, which has made some PNGs when its workers are stopped.

    Args:
        arguments: of the process.
        out: its destination, which is removed before.
        sources: how many outputs the whole run makes.
    """
    processes: list[subprocess.Popen[bytes]] = []

    def end() -> None:
        for process in processes:
            process.kill()
            process.communicate()
        processes.clear()

    def start() -> int:
        end()
        shutil.rmtree(out, ignore_errors=True)
        processes.append(subprocess.Popen(arguments, cwd=out.parent, stderr=subprocess.PIPE))
        deadline = time.monotonic() + DEADLINE
        while not any(path.parent.name[0] != "." for path in out.rglob("*.png")):
            assert time.monotonic() < deadline, "no output came"
            time.sleep(0.005)
        return processes[0].pid

    try:
        workers = freeze_run(start, out, sources)
        yield processes[0], workers
    finally:
        end()
