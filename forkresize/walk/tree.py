"""The walk from roots to sources, streaming. Decides nothing that Selection and its rules decide."""

import contextlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from operator import attrgetter

from msgspec import Struct, field

from forkresize.job import Source
from forkresize.outcome import Failed, Outcome, OutputRef, Reason, Skipped
from forkresize.storage import STATE_DIR
from forkresize.walk.roots import Root
from forkresize.walk.rules import first_match
from forkresize.walk.selection import Selection, Symlinks

Found = Source | Outcome


def walk(
    roots: Iterable[Root],
    selection: Selection,
    exclude: str | None = None,
    until: Callable[[], bool] = lambda: False,
) -> Iterator[Found]:
    """Yield what lies at and below the roots, one after the other; what a directory holds by name.

    Only the directories between a root and the current entry are held in memory. A root is taken even if it is hidden
    or a symbolic link; the rules apply to it as to all else. What forkresize itself keeps in a tree is passed over.

    Args:
        roots: where to start.
        selection: what is taken.
        exclude: a directory to leave out, by whatever name it is met; it need not exist yet.
        until: ends the walk once it says so; asked at what is not yielded, for at all else the caller can end it.

    Yields:
        Source for each file that is taken, Skipped for what is no file or a link that is not followed, and Failed for
        what can't be read or is gone. What the selection leaves out is not mentioned.
    """
    walker = _Walker(selection, exclude)
    for root in roots:
        found = walker.begin(root)
        if isinstance(found, _Level):
            yield from _below(found, walker, until)
        elif found is not None:
            yield found
        elif until():
            return


class _Level(Struct):
    """A directory being walked: the entries still to visit, last first, and the level it was met in."""

    path: str
    relative: str
    status: os.stat_result
    takes_unmatched: bool
    above: "_Level | None" = None
    prefix: str = ""
    depth: int = 1
    entries: list[os.DirEntry[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.relative:
            self.prefix = f"{self.relative}/"
        if self.above:
            self.depth = self.above.depth + 1

    def read(self) -> "_Level":
        with os.scandir(self.path) as entries:
            self.entries = sorted(entries, key=attrgetter("name"), reverse=True)
        return self

    def met_before(self) -> "_Level | None":
        """The level above that is this very directory, if a link or a mount led back to it."""
        level = self.above
        while level and not os.path.samestat(level.status, self.status):
            level = level.above
        return level


def _below(top: _Level, walker: "_Walker", until: Callable[[], bool]) -> Iterator[Found]:
    levels = [top]
    while levels:
        level = levels[-1]
        if not level.entries:
            levels.pop()
            continue
        # Taken off the list, an entry takes the status that it caches with it.
        found = walker.visit(level.entries.pop(), level)
        if isinstance(found, _Level):
            levels.append(found)
        elif found is not None:
            yield found
        elif until():
            return


class _Walker:
    """Says of one entry at a time what it is: a level to walk, something to yield, or nothing."""

    def __init__(self, selection: Selection, exclude: str | None) -> None:
        self._selection = selection
        self._judge = first_match(selection.rules)
        self._excluded_path = exclude
        self._excluded: os.stat_result | None = None

    def begin(self, root: Root) -> _Level | Found | None:
        try:
            return self._begin(root)
        except OSError as error:
            return _failed(Source(root.path, root.prefix), error, missing="does not exist")

    def visit(self, entry: os.DirEntry[str], level: _Level) -> _Level | Found | None:
        name = entry.name
        if name[0] == "." and (not self._selection.hidden or _is_ours(name)):
            return None
        relative = level.prefix + name
        try:
            return self._visit(entry, relative, level)
        except OSError as error:
            return _failed(Source(entry.path, relative), error, missing="vanished")

    def _begin(self, root: Root) -> _Level | Found | None:
        if _is_ours(os.path.basename(root.path)):
            return None
        status = os.stat(root.path)
        is_directory = stat.S_ISDIR(status.st_mode)
        takes_unmatched = self._judge_directories(f"{root.prefix}/" if is_directory and root.prefix else root.prefix)
        if takes_unmatched is None:
            return None
        if is_directory:
            return _Level(root.path, root.prefix, status, takes_unmatched).read()
        taken = self._takes_file(root.prefix, otherwise=takes_unmatched)
        return self._file(root.path, root.prefix, status) if taken else None

    def _judge_directories(self, relative: str) -> bool | None:
        """Whether a file below all of the path's directories is taken unmatched; None if one of them is left out."""
        directories = accumulate(relative.split("/")[:-1], "{}/{}".format)
        verdicts = [self._judge(f"{directory}/") for directory in directories]
        return None if False in verdicts else True in verdicts or self._selection.takes_unmatched

    def _visit(self, entry: os.DirEntry[str], relative: str, level: _Level) -> _Level | Found | None:
        unfollowed = self._selection.symlinks is Symlinks.SKIP and entry.is_symlink()
        if not unfollowed and _leads_to_directory(entry):
            return self._enter(entry, relative, level)
        if not self._takes_file(relative, otherwise=level.takes_unmatched):
            return None
        if unfollowed:
            return Outcome(OutputRef(Source(entry.path, relative)), Skipped(Reason.SYMBOLIC_LINK))
        return self._file(entry.path, relative, entry.stat())

    def _enter(self, entry: os.DirEntry[str], relative: str, above: _Level) -> _Level | Outcome | None:
        verdict = self._judge(f"{relative}/")
        if verdict is False or not self._selection.enters(above.depth + 1):
            return None
        level = _Level(entry.path, relative, entry.stat(), verdict or above.takes_unmatched, above)
        if self._is_excluded(level.status):
            return None
        if (why := self._why_not_followed(entry, level)) is not None:
            return Outcome(OutputRef(Source(entry.path, relative)), Skipped(Reason.SYMBOLIC_LINK, why))
        return level.read()

    def _file(self, path: str, relative: str, status: os.stat_result) -> Source | Outcome | None:
        if not stat.S_ISREG(status.st_mode):
            return Outcome(OutputRef(Source(path, relative)), Skipped(Reason.NOT_A_FILE))
        if not self._selection.takes(status):
            return None
        return Source(path, relative, status.st_size, status.st_mtime_ns)

    def _takes_file(self, relative: str, *, otherwise: bool) -> bool:
        verdict = self._judge(relative)
        return otherwise if verdict is None else verdict

    def _is_excluded(self, status: os.stat_result) -> bool:
        # The destination may be made while the walk goes on, so it is looked for until it is there.
        if self._excluded is None and self._excluded_path is not None:
            with contextlib.suppress(OSError):
                self._excluded = os.stat(self._excluded_path)
        return self._excluded is not None and os.path.samestat(self._excluded, status)

    def _why_not_followed(self, entry: os.DirEntry[str], level: _Level) -> str | None:
        if self._selection.symlinks is not Symlinks.FOLLOW:
            return "to a directory" if entry.is_symlink() else None
        back = level.met_before()
        return f"leads back to {back.path}" if back else None


def _leads_to_directory(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # Asking for its status fails likewise, and that is told.


def _is_ours(name: str) -> bool:
    """Whether forkresize keeps it for itself; see storage.temporary_path."""
    return name == STATE_DIR or (name.startswith(".") and ".forkresize-" in name)


def _failed(source: Source, error: OSError, missing: str) -> Outcome:
    told = error.strerror or str(error)
    if isinstance(error, FileNotFoundError):
        told = "dangling symbolic link" if os.path.islink(source.path) else missing
    return Outcome(OutputRef(source), Failed(Reason.UNREADABLE, told))
