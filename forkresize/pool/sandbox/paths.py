"""Files that the interpreter and the C library read while a worker runs."""

import contextlib
import os
import site
import sys
from collections.abc import Iterator

VARIABLE = "FORKRESIZE_SANDBOX_WRITE"
"""Environment variable: colon-separated directories that workers may also write, for coverage or tracing tools."""

NULL = "/dev/null"

_SYSTEM = (
    # Shared libraries and their index.
    "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache", "/nix/store", "/gnu/store",
    # Names of time zones and the like.
    "/etc/localtime", "/usr/share/zoneinfo", "/usr/share/locale",
    # Read by codecs to choose the number of threads, and by the allocator.
    "/sys/devices/system/cpu", "/sys/devices/system/node", "/proc/cpuinfo", "/proc/sys/vm/overcommit_memory",
    "/dev/urandom", NULL,
)  # fmt: skip


def interpreter_paths() -> Iterator[str]:
    """Yield what has to be readable to import modules and load libraries at any time.

    The working directory, the home directory and their parents are left out, even if they are in ``sys.path``.
    """
    yield from _SYSTEM
    yield from {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
    yield from _package_folders()
    private = [os.path.realpath(os.path.expanduser("~"))]
    with contextlib.suppress(FileNotFoundError):  # It may have been deleted.
        private.append(os.getcwd())
    folders = [*sys.path, *site.getsitepackages(), *os.environ.get("LD_LIBRARY_PATH", "").split(":")]
    for folder in dict.fromkeys(filter(None, folders)):
        real = os.path.realpath(folder)
        if not any(_is_above(real, place) for place in private):
            yield real


def extra_writable() -> list[str]:
    """Return the directories that the environment also lets workers write."""
    return [path for path in os.environ.get(VARIABLE, "").split(":") if path]


def _package_folders() -> Iterator[str]:
    # This package can be imported from any working directory.
    yield from sys.modules[__name__.partition(".")[0]].__path__


def _is_above(folder: str, path: str) -> bool:
    return path == folder or path.startswith(os.path.join(folder, ""))
