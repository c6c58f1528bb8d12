"""Replace a source by its output without losing either: backups, copied attributes, durability."""

import itertools
import os
import stat
import time
from io import FileIO

from forkresize.job import Source
from forkresize.store.base import read_pieces
from forkresize.store.beneath import Root
from forkresize.store.copying import copy_attributes, copy_file, open_file
from forkresize.store.files import temporary_path


def prepare_replacement(source: Source, root: str, staged: str, *, backup_dir: str | None, keep_mtime: bool) -> None:
    """Make a staged output ready to replace its source. It and the backup are on disk then.

    Args:
        source: as it was found.
        root: the directory of the sources.
        staged: path of the complete output.
        backup_dir: directory to keep the source's content in.
        keep_mtime: whether the output gets the modification time of the source.

    Raises:
        OSError: the source has changed, or a file cannot be written; the source is still there.
    """
    folder, name = os.path.split(source.path.removeprefix(os.path.join(root, "")))
    with Root(root) as tree, tree.directory(folder) as directory, open_file(name, directory) as original:
        found = os.fstat(original.fileno())
        if (found.st_size, found.st_mtime_ns) != (source.size, source.mtime_ns):
            raise OSError(0, "source changed during processing; not replaced", source.path)
        if backup_dir is not None:
            _back_up(original, name, directory, backup_dir, source.relative)
        with FileIO(os.open(staged, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)) as output:
            copy_attributes(output, original)
            now = time.time_ns()
            os.utime(output.fileno(), ns=(now, source.mtime_ns if keep_mtime else now))
            os.fsync(output.fileno())


def _back_up(original: FileIO, name: str, directory: int, backup_dir: str, relative: str) -> None:
    """Keep a file's content under another name as well; never replaces an existing file.

    If the name is taken by other content, the backup gets a numbered name, such as ``a.jpg.~1~``.

    Raises:
        OSError: the backup cannot be written.
    """
    folder, wanted = os.path.split(relative)
    with Root(backup_dir, create=True) as tree, tree.directory(folder, create=True) as backups:
        place = _free_name(original, wanted, backups)
        if place is None:
            return
        try:
            os.link(name, place, src_dir_fd=directory, dst_dir_fd=backups, follow_symlinks=False)
        except OSError:
            # Another file system, or one without hard links. The next attempt takes the same temporary name.
            temporary = temporary_path(place, "backup")
            copy_file(original, temporary, backups)
            os.rename(temporary, place, src_dir_fd=backups, dst_dir_fd=backups)
        _sync_directory(backups)


def _free_name(original: FileIO, wanted: str, backups: int) -> str | None:
    """Return the first free name for a backup; None if the backup exists already, from a run that was killed."""
    place = wanted
    for number in itertools.count(1):
        try:
            existing = open_file(place, backups)
        except FileNotFoundError:
            break
        except OSError:
            pass  # A link, or unreadable: not the backup.
        else:
            with existing:
                if _have_same_content(original, existing):
                    return None
        place = f"{wanted}.~{number}~"
    return place


def _have_same_content(one: FileIO, other: FileIO) -> bool:
    """Return whether two files are regular and equal."""
    found = os.fstat(other.fileno())
    if not stat.S_ISREG(found.st_mode) or found.st_size != os.fstat(one.fileno()).st_size:
        return False
    one.seek(0)
    return all(piece == other.read(len(piece)) for piece in read_pieces(one))


def _sync_directory(directory: int) -> None:
    """Flush a directory to disk, so that its files survive a power failure."""
    descriptor = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=directory)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
