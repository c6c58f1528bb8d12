"""What this machine lets a process have besides CPUs: memory, open files, the kernel's sandboxes. Changes nothing."""

import errno
import math
import os
import resource
import sys
from pathlib import Path

from forkresize.pool.cgroup import group_folders, read
from forkresize.pool.libc import Libc

_LANDLOCK_CREATE_RULESET = 444
"""The number of the system call, the same on all architectures that Python is built for."""

_LANDLOCK_CREATE_RULESET_VERSION = 1

_MEMORY_LIMITS = ("memory.max", "memory.high", "memory.limit_in_bytes")
"""The files of versions 2 and 1 that limit a group's memory; past memory.high it is slowed down to a crawl."""


def total_memory() -> int:
    """Return the machine's memory, in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def memory_limit(root: Path = Path("/")) -> float:
    """Return the bytes of memory that the control groups allow; infinite if they set no limit.

    Args:
        root: where ``proc`` and ``sys`` are found.
    """
    texts = (read(folder / name).strip() for folder in group_folders("memory", root) for name in _MEMORY_LIMITS)
    # "max" in version 2 stands for no limit, and so does a number in version 1 that no machine has.
    limits = (int(text) for text in texts if text.isdecimal())
    return min((limit for limit in limits if limit < total_memory()), default=math.inf)


def file_limits() -> tuple[float, float]:
    """Return how many files a process may have open, and how many it may ask for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _counted(soft), _counted(hard)


def _counted(limit: int) -> float:
    return math.inf if limit == resource.RLIM_INFINITY else limit


def landlock_abi() -> int:
    """Return the version of Landlock's interface that the kernel offers; 0 where it offers none.

    See https://docs.kernel.org/userspace-api/landlock.html#backward-and-forward-compatibility.

    Raises:
        OSError: the kernel refuses for a reason of its own.
    """
    if sys.platform != "linux":
        return 0
    try:
        return Libc().call(_LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_CREATE_RULESET_VERSION)
    except OSError as error:
        # Not built in, not switched on, or hidden by a container's filter.
        if error.errno in {errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM}:
            return 0
        raise


def proc_status_field(field: str, root: Path = Path("/")) -> str | None:
    """Return what the kernel tells of this process under a name, such as ``Seccomp``; None where it does not.

    Args:
        field: a name in ``/proc/self/status``.
        root: where ``proc`` is found.
    """
    lines = (line.partition(":") for line in read(root / "proc/self/status").splitlines())
    return next((value.strip() for name, _, value in lines if name == field), None)
