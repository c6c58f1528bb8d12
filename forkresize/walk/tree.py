"""The walk from roots to sources, as a stream."""

import contextlib
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from operator import attrgetter

from msgspec import Struct, field

from forkresize.errors import describe
from forkresize.job import Source
from forkresize.outcome import Failed, Outcome, OutputRef, Reason, Skipped
from forkresize.store.base import IDENTITY, LEDGER, STATE_DIR
from forkresize.store.files import is_internal
from forkresize.walk.group import FileGroup, take_plain_files
from forkresize.walk.roots import Root
from forkresize.walk.rules import first_match
from forkresize.walk.selection import Selection, Symlinks

Found = Source | Outcome

_LARGEST_GROUP = 512
"""Maximum number of files in a group."""

_FIRST_GROUP = 8
"""Files in the first group; each one may be twice as large as the one before, so that work starts at once."""

_PER_LOOK = 32
"""Maximum number of files between two looks at the clock."""

_GROUP_SECONDS = 0.05
"""Seconds after which a group ends: a drive may be slow."""

_OF_OUTPUTS = "an earlier run wrote it; to process its pictures, name it as a source"


def walk(
    roots: Iterable[Root],
    selection: Selection,
    exclude: str | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[Found]:
    """Yield what is at and below the roots, one root after the other; the entries of a directory sorted by name.

    Only the directories between a root and the current entry are held in memory. A root is included even if it is
    hidden or a symbolic link; the rules apply to it. Files of forkresize itself are left out, and so are
    directories below a root that have a ledger: they hold outputs.

    Args:
        roots: where to start.
        selection: what is included.
        exclude: a directory to leave out under any of its names; it need not exist yet.
        should_stop: ends the walk when it returns True; called for entries that are not yielded, as the caller can end
            the walk at all others.

    Yields:
        A Source for each included file; a Skipped outcome for special files, links that are not followed, and
        directories of outputs; a Failed outcome for what cannot be read or is gone. What the selection excludes is not
        reported.
    """
    for found in _Walker(selection, exclude, should_stop, largest=1).walk(roots):
        if isinstance(found, FileGroup):
            yield from found.sources()
        else:
            yield found


def walk_groups(
    roots: Iterable[Root],
    selection: Selection,
    exclude: str | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[Found | FileGroup]:
    """Yield what ``walk`` yields, in the same order, but sources of one directory that follow each other in groups.

    All files of a group are looked at before it is yielded.
    """
    return _Walker(selection, exclude, should_stop, largest=_LARGEST_GROUP).walk(roots)


class _Level(Struct):
    """A directory being walked: the entries still to visit, last first, and the directory it was found in."""

    path: str
    relative: str
    status: os.stat_result
    includes_unmatched: bool
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

    def find_loop(self) -> "_Level | None":
        """Return the level above that is the same directory, if a link or a mount led back to it."""
        level = self.above
        while level and not os.path.samestat(level.status, self.status):
            level = level.above
        return level


class _Walker:
    """Classifies one entry at a time: as a level to walk, as something to yield, or as nothing."""

    def __init__(
        self, selection: Selection, exclude: str | None, should_stop: Callable[[], bool], *, largest: int
    ) -> None:
        self._selection = selection
        self._should_stop = should_stop
        self._match = first_match(selection.rules)
        self._excluded_path = exclude
        self._excluded: os.stat_result | None = None
        self._stopped = False
        self._largest = largest
        self._group_size = min(_FIRST_GROUP, largest)
        bounds = (selection.newer_than, selection.min_size, selection.max_size)
        is_limited = bool(selection.rules) or any(bound is not None for bound in bounds)
        self._takes_plain_files = largest > 1 and not is_limited

    def walk(self, roots: Iterable[Root]) -> Iterator[Found | FileGroup]:
        for root in roots:
            found = self.start(root)
            if isinstance(found, _Level):
                yield from self.below(found)
            elif found is not None:
                yield found
            if self._stopped or (found is None and self._should_stop()):
                return

    def below(self, top: _Level) -> Iterator[Found | FileGroup]:
        levels = [top]
        while levels and not self._stopped:
            level = levels[-1]
            group, found = self._take_files(level)
            if group.names:
                yield group
            if isinstance(found, _Level):
                levels.append(found)
            elif found is not None:
                yield found
            elif not level.entries:
                levels.pop()

    def _take_files(self, level: _Level) -> tuple[FileGroup, _Level | Outcome | None]:
        """Take entries until one is not a source; return the sources before it, and what it is."""
        group = FileGroup(os.path.join(level.path, ""), level.prefix)
        end = time.monotonic() + _GROUP_SECONDS
        while level.entries and len(group.names) < self._group_size and time.monotonic() < end:
            if self._takes_plain_files:
                count = min(self._group_size - len(group.names), _PER_LOOK)
                if take_plain_files(level.path, level.entries, count, group):
                    continue
            # Popped from the list, an entry frees the status that it caches.
            entry = level.entries.pop()
            if group.names and _leads_to_directory(entry):
                # It is entered when the files before it are done.
                level.entries.append(entry)
                break
            found = self.visit(entry, level)
            if isinstance(found, Source):
                group.add(entry.name, found.size, found.mtime_ns)
            elif found is not None:
                return group, found
            elif self._should_stop():
                self._stopped = True
                break
        self._group_size = min(2 * self._group_size, self._largest)
        return group, None

    def start(self, root: Root) -> _Level | Found | None:
        try:
            return self._start(root)
        except OSError as error:
            return _failure(Source(root.path, root.prefix), error, missing="does not exist")

    def visit(self, entry: os.DirEntry[str], level: _Level) -> _Level | Found | None:
        name = entry.name
        if name[0] == "." and (not self._selection.hidden or is_internal(name)):
            return None
        relative = level.prefix + name
        try:
            return self._visit(entry, relative, level)
        except OSError as error:
            return _failure(Source(entry.path, relative), error, missing="vanished")

    def _start(self, root: Root) -> _Level | Found | None:
        if is_internal(os.path.basename(root.path)):
            return None
        status = os.stat(root.path)
        is_directory = stat.S_ISDIR(status.st_mode)
        includes_unmatched = self._match_directories(f"{root.prefix}/" if is_directory and root.prefix else root.prefix)
        if includes_unmatched is None:
            return None
        if is_directory:
            return _Level(root.path, root.prefix, status, includes_unmatched).read()
        included = self._includes_file(root.prefix, otherwise=includes_unmatched)
        return self._file(root.path, root.prefix, status) if included else None

    def _match_directories(self, relative: str) -> bool | None:
        """Return whether unmatched files below the path's directories are included; None if one is excluded."""
        directories = accumulate(relative.split("/")[:-1], "{}/{}".format)
        verdicts = [self._match(f"{directory}/") for directory in directories]
        return None if False in verdicts else True in verdicts or self._selection.includes_unmatched

    def _visit(self, entry: os.DirEntry[str], relative: str, level: _Level) -> _Level | Found | None:
        unfollowed = self._selection.symlinks is Symlinks.SKIP and entry.is_symlink()
        if not unfollowed and _leads_to_directory(entry):
            return self._enter(entry, relative, level)
        if not self._includes_file(relative, otherwise=level.includes_unmatched):
            return None
        if unfollowed:
            return Outcome(OutputRef(Source(entry.path, relative)), Skipped(Reason.SYMBOLIC_LINK))
        return self._file(entry.path, relative, entry.stat())

    def _enter(self, entry: os.DirEntry[str], relative: str, above: _Level) -> _Level | Outcome | None:
        verdict = self._match(f"{relative}/")
        if verdict is False or not self._selection.enters(above.depth + 1):
            return None
        level = _Level(entry.path, relative, entry.stat(), verdict or above.includes_unmatched, above)
        if self._is_excluded(level.status):
            return None
        if (reason := self._reason_not_to_follow(entry, level)) is not None:
            return Outcome(OutputRef(Source(entry.path, relative)), Skipped(Reason.SYMBOLIC_LINK, reason))
        if os.path.lexists(f"{entry.path}/{STATE_DIR}") and _holds_outputs(entry.path):
            return Outcome(OutputRef(Source(entry.path, relative)), Skipped(Reason.OUTPUT_DIRECTORY, _OF_OUTPUTS))
        return level.read()

    def _file(self, path: str, relative: str, status: os.stat_result) -> Source | Outcome | None:
        if not stat.S_ISREG(status.st_mode):
            return Outcome(OutputRef(Source(path, relative)), Skipped(Reason.NOT_A_FILE))
        if not self._selection.includes(status):
            return None
        return Source(path, relative, status.st_size, status.st_mtime_ns)

    def _includes_file(self, relative: str, *, otherwise: bool) -> bool:
        verdict = self._match(relative)
        return otherwise if verdict is None else verdict

    def _is_excluded(self, status: os.stat_result) -> bool:
        # The destination may be created during the walk, so it is looked up until it exists.
        if self._excluded is None and self._excluded_path is not None:
            with contextlib.suppress(OSError):
                self._excluded = os.stat(self._excluded_path)
        return self._excluded is not None and os.path.samestat(self._excluded, status)

    def _reason_not_to_follow(self, entry: os.DirEntry[str], level: _Level) -> str | None:
        if self._selection.symlinks is not Symlinks.FOLLOW:
            return "to a directory" if entry.is_symlink() else None
        loop = level.find_loop()
        return f"leads back to {loop.path}" if loop else None


def _holds_outputs(path: str) -> bool:
    """Return whether a directory has a ledger, or a name in one."""
    return any(os.path.lexists(f"{path}/{name}") for name in (LEDGER, IDENTITY))


def _leads_to_directory(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # Reading its status fails, too, and that is reported.


def _failure(source: Source, error: OSError, missing: str) -> Outcome:
    message = describe(error)
    if isinstance(error, FileNotFoundError):
        message = "dangling symbolic link" if os.path.islink(source.path) else missing
    return Outcome(OutputRef(source), Failed(Reason.UNREADABLE, message))
