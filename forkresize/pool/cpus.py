"""How many CPUs this process may use. Knows nothing of who will use them."""

import math
import os
from collections.abc import Iterator
from pathlib import Path

from forkresize.pool.cgroup import group_folders, read


def available_cpus() -> int:
    """Count the CPUs this process may use, by its affinity and its control groups' quota; at least 1."""
    allowed = allowed_cpus()
    return max(1, min(allowed, math.ceil(min(cpu_quota(), allowed))))


def allowed_cpus() -> int:
    """Count the CPUs that this process may run on, by its affinity where there is such a thing."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu_quota(root: Path = Path("/")) -> float:
    """Return the CPU time a second that the control groups allow; infinite if they set no limit.

    Args:
        root: where ``proc`` and ``sys`` are found.
    """
    quotas = (quota for folder in group_folders("cpu", root) for quota in _quotas(folder))
    return min(quotas, default=math.inf)


def _quotas(folder: Path) -> Iterator[float]:
    pairs = (
        read(folder / "cpu.max").split(),
        [*read(folder / "cpu.cfs_quota_us").split(), *read(folder / "cpu.cfs_period_us").split()],
    )
    for pair in pairs:
        # "max" in version 2 and -1 in version 1 stand for no limit.
        if len(pair) == len(("quota", "period")) and pair[0].isdecimal():
            yield int(pair[0]) / int(pair[1])
