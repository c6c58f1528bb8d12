"""Which files are on file systems of this machine, and not of another one that may not answer."""

import contextlib
import os
import re
import select
from collections.abc import Iterator
from functools import lru_cache
from io import FileIO

_MOUNTS = "/proc/self/mountinfo"

_REMOTE = re.compile(
    r"nfs\d?|cifs|smb\d?|smbfs|ncpfs|9p|virtiofs|vboxsf|vmhgfs|prl_fs|ceph|lustre|gpfs|beegfs\w*|fhgfs|glusterfs"
    r"|orangefs|pvfs2|panfs|snfs|ocfs2|gfs2?|afs|coda|autofs|fuse(blk)?(\..*)?"
)
"""Types of file systems that another machine or another program answers for. A local FUSE is among them."""

_ESCAPE = re.compile(rb"\\([0-7]{3})")

_CACHED = 4096


def is_on_local_disk(file: FileIO, path: str) -> bool:
    """Return whether an open file is on a file system that the kernel answers for alone; False if that is unknown.

    Args:
        file: the file.
        path: of the file, absolute and without links.
    """
    return _is_local(os.fstat(file.fileno()).st_dev, os.path.dirname(path))


@lru_cache(_CACHED)
def _is_local(_: int, folder: str) -> bool:
    # The number of the device is part of what is kept: another file system may be mounted at the same place.
    kind = find_type(folder)
    return kind is not None and _REMOTE.fullmatch(kind) is None


def find_type(folder: str) -> str | None:
    """Return the type of the file system that a directory is on; None if that cannot be found out.

    Args:
        folder: absolute and without links.
    """
    wanted, found, kind = os.fsencode(os.path.join(folder, "")), b"", None
    with contextlib.suppress(OSError):
        for place, mounted in _read_mounts():
            # Of several at one place, the last one is seen.
            if wanted.startswith(place) and len(place) >= len(found):
                found, kind = place, mounted
    return kind


class LocalTree:
    """Whether a directory and all below it are on local file systems, also after others were mounted.

    Args:
        folder: absolute and without links.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._is_local = False
        self._events = select.poll()
        self._descriptor: int | None = None
        with contextlib.suppress(OSError):
            self._descriptor = os.open(_MOUNTS, os.O_RDONLY | os.O_CLOEXEC)
            # As in proc_pid_mounts(5): a change is an exceptional condition.
            self._events.register(self._descriptor, select.POLLPRI)
            self._is_local = self._look()

    @property
    def is_local(self) -> bool:
        """Whether it is, as of now. Takes about a microsecond."""
        if self._descriptor is not None and self._events.poll(0):
            self._is_local = self._look()
        return self._is_local

    def close(self) -> None:
        """Count it as not local from now on."""
        self._is_local = False
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _look(self) -> bool:
        kind = find_type(self._folder)
        if kind is None or _REMOTE.fullmatch(kind):
            return False
        inside = os.fsencode(os.path.join(self._folder, ""))
        return not any(place.startswith(inside) and _REMOTE.fullmatch(mounted) for place, mounted in _read_mounts())


def _read_mounts() -> Iterator[tuple[bytes, str]]:
    """Yield the place of each mount, with a slash at its end, and the type of its file system.

    Raises:
        OSError: the list cannot be read.
    """
    with open(_MOUNTS, "rb") as file:
        # Places may have other line breaks in them; this one is escaped.
        lines = file.read().split(b"\n")
    for line in filter(None, lines):
        # As in proc_pid_mountinfo(5): the place is the fifth field, and the type follows a hyphen.
        before, _, after = line.partition(b" - ")
        place = _ESCAPE.sub(lambda escape: bytes([int(escape[1], 8)]), before.split(b" ")[4])
        yield place.rstrip(b"/") + b"/", after.split(b" ")[0].decode("ascii", "replace")
