"""Which files are on a file system of this machine, and not of another one that may not answer: is_on_local_disk."""

import os
import re
from functools import lru_cache
from io import FileIO

_MOUNTS = "/proc/self/mountinfo"

_REMOTE = re.compile(
    r"nfs\d?|cifs|smb\d?|smbfs|9p|virtiofs|ceph|lustre|gpfs|beegfs\w*|glusterfs|ocfs2|gfs2|afs|coda|autofs|fuse(\..*)?"
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
    try:
        with open(_MOUNTS, "rb") as file:
            lines = file.read().splitlines()
    except OSError:
        return None
    for line in lines:
        # As in proc_pid_mountinfo(5): the place is the fifth field, and the type follows a hyphen.
        before, _, after = line.partition(b" - ")
        place = _ESCAPE.sub(lambda escape: bytes([int(escape[1], 8)]), before.split(b" ")[4]).rstrip(b"/") + b"/"
        # Of several at one place, the last one is seen.
        if wanted.startswith(place) and len(place) >= len(found):
            found, kind = place, after.split(b" ")[0].decode("ascii", "replace")
    return kind
