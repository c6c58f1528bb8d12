"""The child processes of a test process, and their state. Some may be servers that other tests use."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path


def child_processes() -> set[int]:
    """Return the ids of all children, also of those that have ended and that were not waited for."""
    own = os.getpid()
    return {pid for pid, parent in _processes() if parent == own}


def is_alive(pid: int) -> bool:
    """Return whether a process exists and has not ended: an orphan that has ended stays until init waits for it."""
    if not os.path.exists("/proc/self/stat"):
        listing = subprocess.run(["ps", "-o", "state=", "-p", str(pid)], stdout=subprocess.PIPE, text=True, check=False)  # noqa: S607
        return listing.stdout.strip()[:1] not in {"", "Z"}
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _processes() -> Iterator[tuple[int, int]]:
    """Yield the id of each process and that of its parent."""
    if not os.path.exists("/proc/self/stat"):
        with subprocess.Popen(["ps", "-A", "-o", "pid=,ppid="], stdout=subprocess.PIPE, text=True) as listing:  # noqa: S607
            pairs = [tuple(map(int, line.split())) for line in listing.communicate()[0].splitlines()]
        yield from ((pid, parent) for pid, parent in pairs if pid != listing.pid)
        return
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                # The name of the program, in parentheses, may hold anything.
                yield int(name), int(file.read().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue


def write_pid(path: Path) -> None:
    """Write the number of this process into a file, which appears complete."""
    new = path.with_suffix(".new")
    new.write_text(str(os.getpid()))
    new.rename(path)
