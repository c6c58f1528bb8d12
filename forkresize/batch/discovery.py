"""The sources of a run: where the walk starts, and which of the files that it finds belong to the run."""

import os
import posixpath
from collections.abc import Callable, Iterable, Iterator, Sequence

from forkresize.batch.settings import Settings
from forkresize.errors import FieldError
from forkresize.job import Source
from forkresize.ledger import split_root
from forkresize.outcome import Outcome
from forkresize.plan import OverwriteGuard
from forkresize.walk import FileGroup, Root, Selection, roots, roots_from_names, walk, walk_groups


class SourceDiscovery:
    """The sources of one run.

    Args:
        named: directories and files to read.
        destination: the directory to write to, which the walk leaves out; None if there is none.
        settings: which files belong to the run.
        guard: knows which names of a list are outputs; None if outputs replace their sources.
        should_stop: ends every walk early.

    Raises:
        FieldError: there is no source, or a list of names and several sources.
        SourceError: a source is missing.
    """

    def __init__(
        self,
        named: Sequence[str],
        destination: str | None,
        settings: Settings,
        guard: OverwriteGuard | None,
        should_stop: Callable[[], bool],
    ) -> None:
        if not named and settings.files_from is None:
            raise FieldError("sources", "specify a directory, a file or a list of names")
        if settings.files_from is not None and len(named) > 1:
            raise FieldError("files_from", "the names must be below a single source; more than one was given")
        self.named = named
        self.roots = roots(named)
        self._settings = settings
        self._guard = guard
        self._excluded = settings.backup_dir if settings.in_place else destination
        self._should_stop = should_stop

    @property
    def keeps_names_apart(self) -> bool:
        """Whether no two roots can yield sources of the same relative path."""
        return self._settings.files_from is None and len({root.prefix for root in self.roots}) == len(self.roots)

    def walk(
        self, selection: Selection | None = None, should_stop: Callable[[], bool] | None = None
    ) -> Iterator[Outcome | Source]:
        """Yield what the walk finds: sources, and outcomes of what is not a source. Repeatable.

        Args:
            selection: what is included, if not what the settings say.
            should_stop: ends the walk early, if not what ends the run.
        """
        chosen = selection or self._settings.selection
        return walk(self._starts(), chosen, self._excluded, should_stop or self._should_stop)

    def walk_groups(self) -> Iterator[Outcome | Source | FileGroup]:
        """Yield the same as ``walk``, sources of one directory in groups. Repeatable."""
        return walk_groups(self._starts(), self._settings.selection, self._excluded, self._should_stop)

    def all_sources(self) -> Iterator[Source]:
        """Yield the sources of all shards."""
        for found in self.walk():
            if self._should_stop():
                return
            if isinstance(found, Source):
                yield found

    def single_files(self) -> Iterable[str]:
        """Return the paths of sources that were named one by one: the destination may share their directories."""
        if self._settings.files_from is None:
            return (root.path for root in self.roots if os.path.isfile(root.path))
        return (source.path for source in self.all_sources())

    def directories(self) -> frozenset[str]:
        """Return the absolute paths of the directories that contain the sources, as the ledger records them."""
        if self._settings.files_from is not None:
            return frozenset({os.path.abspath(next(iter(self.named), os.curdir)), "/"})
        inner = (Source(os.path.join(root.path, "x"), posixpath.join(root.prefix, "x")) for root in self.roots)
        return frozenset(split_root(source)[0] for source in inner)

    def _starts(self) -> Iterable[Root]:
        if self._settings.files_from is None:
            return self.roots
        base = next(iter(self.named), None)
        names = roots_from_names(self._settings.files_from(), base)
        if self._guard is None:
            return names
        # A list made by find in a directory around the destination contains the last run's outputs.
        is_output = self._guard.is_output
        return (root for root in names if not is_output(root.path, base or os.curdir))
