"""Has the C library keep the memory of one picture for the next. Knows no picture."""

import ctypes
from functools import cache

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
"""Names of settings in glibc's malloc.h."""

_KEPT = 64 << 20
"""Bytes that stay with a process when it frees them: enough for what most photographs are decoded to."""

_MAPPED = 32 << 20
"""From this size in bytes on, memory goes back to the system as soon as it is free; glibc takes no larger one."""


@cache
def cache_freed_memory() -> bool:
    """Have freed memory reused instead of given back: every page that comes back costs a fault, and time to clear it.

    A giant's memory still goes back, as it lies above the thresholds.

    Returns:
        Whether the C library can be told; it is glibc's own way.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_M_TRIM_THRESHOLD, _KEPT) and mallopt(_M_MMAP_THRESHOLD, _MAPPED))
