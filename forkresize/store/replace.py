"""Replace a source by its output without losing either: backups, copied attributes, durability."""

import contextlib
import filecmp
import itertools
import os
import shutil
import time
from collections.abc import Callable

from forkresize.job import Source
from forkresize.store.files import temporary_path


def replace_source(
    source: Source, staged: str, *, backup: str | None, keep_mtime: bool, on_ready: Callable[[], object]
) -> None:
    """Replace a source by its output. The backup and the output are on disk before the renaming.

    Args:
        source: as it was found.
        staged: path of its complete output, in the same directory.
        backup: path to keep the source's content at.
        keep_mtime: whether the output gets the modification time of the source.
        on_ready: called before the renaming, when nothing else is left to do; may raise to refuse it.

    Raises:
        OSError: the source has changed, or a file cannot be written; the source is still there.
    """
    found = os.lstat(source.path)
    if (found.st_size, found.st_mtime_ns) != (source.size, source.mtime_ns):
        raise OSError(0, "source changed during processing; not replaced", source.path)
    if backup is not None:
        _back_up(source.path, backup)
    _copy_attributes(staged, like=source.path)
    now = time.time_ns()
    os.utime(staged, ns=(now, source.mtime_ns if keep_mtime else now), follow_symlinks=False)
    _fsync(staged)
    on_ready()
    os.replace(staged, source.path)


def _copy_attributes(path: str, like: str) -> None:
    """Give a file the permissions, owner and extended attributes of another where this process is permitted to."""
    found = os.stat(like)
    with contextlib.suppress(PermissionError):
        os.chown(path, found.st_uid, found.st_gid)
    shutil.copystat(like, path)


def _fsync(path: str) -> None:
    """Flush a file or directory to disk, so that it survives a power failure."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _back_up(path: str, backup: str) -> None:
    """Keep a file's content under another name as well; never replaces an existing file.

    If the name is taken by other content, the backup gets a numbered name, such as ``a.jpg.~1~``.

    Raises:
        OSError: the backup cannot be written.
    """
    place = _free_name(path, backup)
    if place is None:
        return
    os.makedirs(os.path.dirname(place), exist_ok=True)
    try:
        os.link(path, place, follow_symlinks=False)
    except OSError:
        # Another file system, or one without hard links. The next attempt takes the same temporary name.
        temporary = temporary_path(place, "backup")
        shutil.copy2(path, temporary)
        _fsync(temporary)
        os.replace(temporary, place)
    _fsync(os.path.dirname(place))


def _free_name(path: str, backup: str) -> str | None:
    """Return the first free name for a backup; None if the backup exists already, from a run that was killed."""
    place = backup
    for number in itertools.count(1):
        if not os.path.lexists(place):
            break
        if os.path.isfile(place) and filecmp.cmp(path, place, shallow=False):
            return None
        place = f"{backup}.~{number}~"
    return place
