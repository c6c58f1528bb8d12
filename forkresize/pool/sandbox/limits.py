"""Resource limits of a worker, and its priority for the out-of-memory killer."""

import contextlib
import resource

_OPEN_FILES = 256
"""More than any task needs; stops a library that leaks descriptors."""

_OOM_SCORE = 500
"""From -1000 to 1000. The kernel kills a worker before its parent, which can report it."""


def apply(memory: int | None) -> None:
    """Limit this process: no core dumps, few open files, and killed first when memory runs out.

    Args:
        memory: bytes of address space; None for no limit.

    Raises:
        OSError: the system refuses a limit.
        ValueError: the memory limit is above the hard limit of this process.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _lower(resource.RLIMIT_NOFILE, _OPEN_FILES)
    if memory is not None:
        _lower(resource.RLIMIT_AS, memory)
    # Not available on every system or in every container.
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "r+") as file:
        score = max(int(file.read()), _OOM_SCORE)
        file.seek(0)
        file.write(str(score))


def _lower(limit: int, value: int) -> None:
    _, hard = resource.getrlimit(limit)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (value, value))
