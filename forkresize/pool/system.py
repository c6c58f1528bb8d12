"""What this machine lets a process use: CPUs, memory and open files, by affinity, control groups and limits."""

import contextlib
import math
import os
import resource
import sys
from collections.abc import Iterable, Iterator

_MEMORY_LIMITS = ("memory.max", "memory.high", "memory.limit_in_bytes")
"""Files of cgroup versions 2 and 1 that limit a group's memory. Past memory.high the kernel throttles the group."""

_QUOTA_FILES = "cpu.cfs_quota_us", "cpu.cfs_period_us"
"""Files of cgroup version 1: CPU microseconds of a period, and its length."""

Folder = str | os.PathLike[str]

_BLOCK = 512
"""Bytes of a block in stat(2)."""

_STAT_THREADS, _STAT_RESIDENT = 17, 21
"""Fields of ``/proc/<pid>/stat`` after the program's name: a number, and pages."""

_SIZE, _RESIDENT = 0, 1
"""Fields of ``/proc/<pid>/statm``, in pages; see proc(5)."""


def available_cpus() -> int:
    """Return the number of CPUs this process may use, by affinity and cgroup quota; at least 1."""
    return max(1, math.ceil(min(cpu_quota(), allowed_cpus())))


def allowed_cpus() -> int:
    """Return the number of CPUs in this process's affinity mask, or of the machine where there is no such mask."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu_quota(root: Folder = "/") -> float:
    """Return the CPU seconds per second that the control groups allow; infinite without a limit."""
    quotas = (quota for folder in _group_folders("cpu", root) for quota in _read_quotas(folder))
    return min(quotas, default=math.inf)


def total_memory() -> int:
    """Return the machine's memory, in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def memory_limit(root: Folder = "/") -> float:
    """Return the bytes of memory that the control groups allow; infinite without a limit."""
    texts = (
        _read(os.path.join(folder, name)).strip()
        for folder in _group_folders("memory", root)
        for name in _MEMORY_LIMITS
    )
    # No limit is "max" in version 2, and a number larger than any machine's memory in version 1.
    limits = (int(text) for text in texts if text.isdecimal())
    return min((limit for limit in limits if limit < total_memory()), default=math.inf)


def resident_memory(pid: int | str = "self") -> int | None:
    """Return the resident memory of a process in bytes; None if the process has ended or there is no ``/proc``."""
    return _read_statm(pid, _RESIDENT)


def address_space() -> int | None:
    """Return the size of this process's address space in bytes; None where there is no ``/proc``."""
    return _read_statm("self", _SIZE)


def memory_and_threads(pid: int) -> tuple[int, int] | None:
    """Return the resident memory of a process in bytes and the number of its threads; None as resident_memory."""
    try:
        descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY)
    except OSError:
        return None
    try:
        # The name of the program comes before, in parentheses, and may contain any characters.
        fields = os.read(descriptor, 4096).rpartition(b")")[2].split()
    except ProcessLookupError:
        return None
    finally:
        os.close(descriptor)
    return int(fields[_STAT_RESIDENT]) * resource.getpagesize(), int(fields[_STAT_THREADS])


def private_memory(pid: int) -> tuple[int, int] | None:
    """Return the resident memory of a process that is anonymous, and that is shared memory; None as resident_memory.

    Unlike all of its resident memory, they leave out pages of files on a disk, which the system can drop.
    """
    fields = dict.fromkeys((b"RssAnon", b"RssShmem"), 0)
    try:
        with open(f"/proc/{pid}/status", "rb") as file:
            lines = file.read().splitlines()
        for line in lines:
            name, _, value = line.partition(b":")
            if name in fields:
                fields[name] = int(value.split()[0]) << 10
    except OSError:
        return None
    anonymous, shared = fields.values()
    return anonymous, shared


def file_blocks(descriptors: Iterable[int], pid: int | None = None, device: int | None = None) -> dict[int, int]:
    """Return the bytes that open files take, by inode.

    Args:
        descriptors: of the files.
        pid: the process that has them; None for this one.
        device: leave out files of other devices; None for none.
    """
    found = {}
    for each in descriptors:
        with contextlib.suppress(OSError):  # Closed in the meantime.
            file = os.fstat(each) if pid is None else os.stat(f"/proc/{pid}/fd/{each}")
            if device is None or file.st_dev == device:
                found[file.st_ino] = file.st_blocks * _BLOCK
    return found


def descriptors_of(pid: int) -> list[int]:
    """Return the descriptors that are open in a process; none if they cannot be known."""
    try:
        return list(map(int, os.listdir(f"/proc/{pid}/fd")))
    except OSError:
        return []


def file_limits() -> tuple[float, float]:
    """Return the soft and the hard limit of open files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _to_float(soft), _to_float(hard)


def lower_limit(limit: int, value: int) -> None:
    """Lower a limit of this process for good: not only the soft one, which any code can raise again.

    Args:
        limit: one of the constants ``RLIMIT_*`` of ``resource``.
        value: its highest value, of any size; a lower one that is set stays.

    Raises:
        OSError: the system refuses the limit.
    """
    # setrlimit(2) takes no larger number.
    most = min(value, sys.maxsize)
    limits = [each for each in (*resource.getrlimit(limit), most) if each != resource.RLIM_INFINITY]
    resource.setrlimit(limit, (min(limits), min(limits)))


def open_descriptors() -> Iterator[int]:
    """Yield the descriptors that are open in this process, except the standard streams."""
    for name in os.listdir("/dev/fd"):
        with contextlib.suppress(OSError):  # One belongs to the listing itself.
            os.fstat(int(name))
            if int(name) > 2:  # noqa: PLR2004
                yield int(name)


def proc_status_field(field: str, root: Folder = "/") -> str | None:
    """Return a field of ``/proc/self/status``, such as ``Seccomp``; None where it does not exist."""
    lines = (line.partition(":") for line in _read(os.path.join(root, "proc/self/status")).splitlines())
    return next((value.strip() for name, _, value in lines if name == field), None)


def _group_folders(controller: str, root: Folder) -> Iterator[str]:
    """Yield the folder of each control group that limits this process: its own and all above.

    See https://docs.kernel.org/admin-guide/cgroup-v2.html. A folder may not exist: in a container, the paths may be
    those of the host.
    """
    mount = os.path.join(root, "sys/fs/cgroup")
    for line in _read(os.path.join(root, "proc/self/cgroup")).splitlines():
        _, controllers, group = line.split(":", 2)
        if not controllers or controller in controllers.split(","):
            folder = os.path.join(mount, controllers and controller)
            yield folder
            for name in filter(None, group.split("/")):
                folder = os.path.join(folder, name)
                yield folder


def _read_quotas(folder: str) -> Iterator[float]:
    pairs = (
        _read(os.path.join(folder, "cpu.max")).split(),
        [part for name in _QUOTA_FILES for part in _read(os.path.join(folder, name)).split()],
    )
    for pair in pairs:
        # No limit is "max" in version 2 and -1 in version 1.
        if len(pair) == len(("quota", "period")) and pair[0].isdecimal():
            yield int(pair[0]) / int(pair[1])


def _read(path: str) -> str:
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


def _read_statm(pid: int | str, field: int) -> int | None:
    with contextlib.suppress(OSError), open(f"/proc/{pid}/statm", "rb") as file:
        return int(file.read().split()[field]) * resource.getpagesize()
    return None


def _to_float(limit: int) -> float:
    return math.inf if limit == resource.RLIM_INFINITY else limit
