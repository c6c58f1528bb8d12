"""Whether this process may fork."""

import os
import sys
import threading

_TASKS = "/proc/self/task"


def has_other_threads() -> bool:
    """Return whether this process has more than one thread, so that it must not fork.

    Another thread may hold a lock that nothing in the child would ever release. On Linux, the threads of libraries
    count as well, as they do for the warning that Python 3.12 and later give.
    """
    if sys.platform == "linux":
        try:
            return len(os.listdir(_TASKS)) > 1
        except OSError:
            pass  # Without /proc, only Python's threads are known.
    return threading.active_count() > 1
