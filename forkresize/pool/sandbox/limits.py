"""Resource limits of a worker, and its priority for the out-of-memory killer."""

import contextlib
import resource

from forkresize.pool.system import lower_limit

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
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    lower_limit(resource.RLIMIT_NOFILE, _OPEN_FILES)
    if memory is not None:
        lower_limit(resource.RLIMIT_AS, memory)
    # Not available on every system or in every container.
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "r+") as file:
        score = max(int(file.read()), _OOM_SCORE)
        file.seek(0)
        file.write(str(score))
