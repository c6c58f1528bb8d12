"""How many CPUs this process may use. Knows nothing of who will use them."""

import math
import os
from collections.abc import Iterator
from pathlib import Path


def available_cpus() -> int:
    """Count the CPUs this process may use, by its affinity and its control groups' quota; at least 1."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(allowed, math.ceil(min(cpu_quota(), allowed))))


def cpu_quota(root: Path = Path("/")) -> float:
    """Return the CPU time a second that the control groups allow, versions 1 and 2; infinite if they set no limit.

    A group is bound by its ancestors' limits too. See https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu.

    Args:
        root: where ``proc`` and ``sys`` are found.
    """
    return min((quota for folder in _group_folders(root) for quota in _quotas(folder)), default=math.inf)


def _group_folders(root: Path) -> Iterator[Path]:
    mount = root / "sys/fs/cgroup"
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, group = line.split(":", 2)
        if not controllers or "cpu" in controllers.split(","):
            base = mount / "cpu" if controllers else mount
            path = base / group.lstrip("/")
            yield from (folder for folder in (path, *path.parents) if folder.is_relative_to(base))


def _quotas(folder: Path) -> Iterator[float]:
    pairs = (
        _read(folder / "cpu.max").split(),
        [*_read(folder / "cpu.cfs_quota_us").split(), *_read(folder / "cpu.cfs_period_us").split()],
    )
    for pair in pairs:
        # "max" in version 2 and -1 in version 1 stand for no limit.
        if len(pair) == len(("quota", "period")) and pair[0].isdecimal():
            yield int(pair[0]) / int(pair[1])


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""
