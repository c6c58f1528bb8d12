"""Files of one directory that a walk finds one after another: FileGroup."""

import os
import stat
from collections.abc import Iterable, Iterator
from itertools import compress, islice

from msgspec import Struct, field

from forkresize.job import Source


class FileGroup(Struct, array_like=True):
    """Sources of one directory in the order of the walk, without an object for each.

    Attributes:
        folder: what precedes the names in the paths of the sources; ends with a slash unless it is empty.
        prefix: what precedes them in the paths below the root; ends with a slash unless it is empty.
        names: of the files.
        sizes: of the files, in bytes.
        mtimes_ns: modification times of the files, in nanoseconds since the epoch.
    """

    folder: str
    prefix: str
    names: list[str] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    mtimes_ns: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.names)

    def add(self, name: str, size: int, mtime_ns: int) -> None:
        """Add a file."""
        self.names.append(name)
        self.sizes.append(size)
        self.mtimes_ns.append(mtime_ns)

    def select(self, chosen: Iterable[bool]) -> "FileGroup":
        """Return the files for which there is a True."""
        mask = list(chosen)
        names, sizes = list(compress(self.names, mask)), list(compress(self.sizes, mask))
        return FileGroup(self.folder, self.prefix, names, sizes, list(compress(self.mtimes_ns, mask)))

    def source(self, index: int) -> Source:
        """Return one of the sources."""
        name = self.names[index]
        return Source(self.folder + name, self.prefix + name, self.sizes[index], self.mtimes_ns[index])

    def sources(self) -> Iterator[Source]:
        """Yield the sources."""
        return map(self.source, range(len(self.names)))


def take_plain_files(folder: str, entries: list[os.DirEntry[str]], count: int, group: FileGroup) -> bool:
    """Move visible regular files from the end of a list of entries to a group, until there is something else.

    Args:
        folder: the directory of the entries.
        entries: the last one comes first.
        count: how many files to move at most.
        group: where they are added.

    Returns:
        Whether there were any.
    """
    try:
        # Names are looked up faster than paths.
        directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return False
    before = len(group.names)
    names, sizes, mtimes_ns = group.names, group.sizes, group.mtimes_ns
    try:
        for entry in islice(reversed(entries), count):
            name = entry.name
            if name[0] == "." or not entry.is_file(follow_symlinks=False):
                break
            status = os.stat(name, dir_fd=directory)
            if not stat.S_ISREG(status.st_mode):
                break
            # Not by a call: most of a run's files pass here.
            names.append(name)
            sizes.append(status.st_size)
            mtimes_ns.append(status.st_mtime_ns)
    except OSError:
        pass  # It vanished; the caller finds out.
    finally:
        os.close(directory)
    taken = len(group.names) - before
    del entries[len(entries) - taken :]
    return taken > 0
