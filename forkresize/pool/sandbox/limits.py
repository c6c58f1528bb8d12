"""Resource limits of a worker, and who is killed first when memory runs out. Reads no budget."""

import contextlib
import resource

_OPEN_FILES = 256
"""More than any picture takes; a library that loses track of its own is stopped by it."""

_BEFORE_OTHERS = 500
"""Of -1000 to 1000: the kernel rather kills a worker than its parent, which can tell of it."""


def apply(memory: int | None) -> None:
    """Limit this process: no core dumps, few open files, and the first to go when memory runs out.

    Args:
        memory: bytes of address space; None sets no limit.

    Raises:
        OSError: the system refuses.
        ValueError: the limit on memory is above what this process may have.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _lower(resource.RLIMIT_NOFILE, _OPEN_FILES)
    if memory is not None:
        _lower(resource.RLIMIT_AS, memory)
    # Not on every system, and not in every container.
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "r+") as file:
        score = max(int(file.read()), _BEFORE_OTHERS)
        file.seek(0)
        file.write(str(score))


def _lower(limit: int, value: int) -> None:
    _, hard = resource.getrlimit(limit)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (value, value))
