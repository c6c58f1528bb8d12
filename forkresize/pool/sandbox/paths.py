"""Where the interpreter and the C library read from while they work. Knows nothing of what is worked on."""

import contextlib
import os
import site
import sys
from collections.abc import Iterator

VARIABLE = "FORKRESIZE_SANDBOX_WRITE"
"""Names directories, with colons between, that workers may write besides: what measures or traces them saves there."""

NULL = "/dev/null"

_SYSTEM = (
    # Shared libraries, and where they are found.
    "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache", "/nix/store", "/gnu/store",
    # Names of time zones and the like.
    "/etc/localtime", "/usr/share/zoneinfo", "/usr/share/locale",
    # What codecs ask for how many threads to start, and the allocator for how to give memory back.
    "/sys/devices/system/cpu", "/sys/devices/system/node", "/proc/cpuinfo", "/proc/sys/vm/overcommit_memory",
    "/dev/urandom", NULL,
)  # fmt: skip


def interpreter_paths() -> Iterator[str]:
    """Yield what has to be readable for modules to be imported and libraries to be loaded, even late.

    The working directory and the home directory are none, nor what lies above, even if Python looks for modules there.
    """
    yield from _SYSTEM
    yield from {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
    yield from _package_folders()
    private = [os.path.realpath(os.path.expanduser("~"))]
    with contextlib.suppress(FileNotFoundError):  # It may have been removed.
        private.append(os.getcwd())
    folders = [*sys.path, *site.getsitepackages(), *os.environ.get("LD_LIBRARY_PATH", "").split(":")]
    for folder in dict.fromkeys(filter(None, folders)):
        real = os.path.realpath(folder)
        if not any(_is_above(real, place) for place in private):
            yield real


def extra_writable() -> list[str]:
    """Return the directories that the environment lets workers write besides."""
    return [path for path in os.environ.get(VARIABLE, "").split(":") if path]


def _package_folders() -> Iterator[str]:
    # Wherever Python was started, this package has been found.
    yield from sys.modules[__name__.partition(".")[0]].__path__


def _is_above(folder: str, path: str) -> bool:
    return path == folder or path.startswith(os.path.join(folder, ""))
