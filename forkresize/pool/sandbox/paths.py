"""Files that the interpreter and the C library read while a worker runs."""

import contextlib
import os
import site
import sys
from collections.abc import Iterator, Sequence

VARIABLE = "FORKRESIZE_SANDBOX_WRITE"
"""Environment variable: colon-separated directories that workers may also write, for coverage or tracing tools."""

NULL = "/dev/null"

_SYSTEM = (
    # Shared libraries and their index.
    "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/nix/store", "/gnu/store",
    "/etc/ld.so.cache", "/etc/ld-musl-x86_64.path", "/etc/ld-musl-aarch64.path",
    # Names of time zones and the like.
    "/etc/localtime", "/usr/share/zoneinfo", "/usr/share/locale",
    # Read by codecs to choose the number of threads, and by the allocator.
    "/sys/devices/system/cpu", "/sys/devices/system/node", "/proc/cpuinfo", "/proc/sys/vm/overcommit_memory",
    "/dev/urandom", NULL,
)  # fmt: skip

_PACKAGE = os.path.realpath(os.path.join(os.path.dirname(__file__), os.pardir, os.pardir))
"""The directory of forkresize itself."""


def interpreter_paths() -> Iterator[str]:
    """Yield what has to be readable to import modules and load libraries at any time.

    Of ``sys.path``, that is archives and the directories to which installers write. Other directories may contain a
    whole project, for example after an editable installation: of these, only packages that are already imported. The
    directories in PYTHONPATH and LD_LIBRARY_PATH were named on purpose. The working directory, the home directory and
    their parents are left out, unless the working directory is in this package, which loads modules when it needs them.
    """
    installed = list(dict.fromkeys((*_SYSTEM, *_python_folders(), _PACKAGE)))
    yield from installed
    private = _private_folders()
    for path in dict.fromkeys(_others(installed)):
        real = os.path.realpath(path)
        if not any(_is_above(real, place) for place in private):
            yield real


def extra_writable() -> list[str]:
    """Return the directories that the environment also lets workers write."""
    return [path for path in os.environ.get(VARIABLE, "").split(":") if path]


def _python_folders() -> Iterator[str]:
    """Yield the standard library, the libraries beside it, and the directories for packages.

    Not ``sys.prefix``: the virtual environment of a project may be the project's root.
    """
    yield os.path.dirname(os.__file__)
    for prefix in {sys.base_prefix, sys.base_exec_prefix}:
        yield from (os.path.join(prefix, name) for name in {"lib", sys.platlibdir})
    yield from site.getsitepackages()
    yield from [site.getusersitepackages()] if site.ENABLE_USER_SITE else []


def _others(installed: Sequence[str]) -> Iterator[str]:
    for variable in ("PYTHONPATH", "LD_LIBRARY_PATH"):
        yield from filter(None, os.environ.get(variable, "").split(":"))
    below = tuple(os.path.join(folder, "") for folder in installed)
    yield from (path for path in _imported_packages() if not path.startswith(below))
    yield from (entry for entry in sys.path if not entry.startswith(below) and _is_installed(entry))


def _is_installed(entry: str) -> bool:
    """Return whether an entry of ``sys.path`` is an archive, or a directory that an installer wrote."""
    with contextlib.suppress(NotADirectoryError, FileNotFoundError, PermissionError):
        return any(name.endswith(".dist-info") for name in os.listdir(entry or "."))
    return os.path.isfile(entry)


def _imported_packages() -> Iterator[str]:
    """Yield the directories of the packages that were imported, this one among them."""
    for name, module in list(sys.modules.items()):
        if "." not in name:
            # Not getattr, which may import something.
            yield from getattr(module, "__dict__", {}).get("__path__") or ()


def _private_folders() -> list[str]:
    private = [os.path.realpath(os.path.expanduser("~"))]
    with contextlib.suppress(FileNotFoundError):  # It may have been deleted.
        private.append(os.getcwd())
    return private


def _is_above(folder: str, path: str) -> bool:
    return path == folder or path.startswith(os.path.join(folder, ""))
