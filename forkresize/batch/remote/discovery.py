"""The sources of a run with object stores: which stores they are in, and which of their objects belong to the run."""

import os
import posixpath
from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec import Struct

from forkresize.batch.listing import Found, Listed, source_of
from forkresize.batch.remote.guard import PrefixGuard
from forkresize.batch.remote.source_stores import update_source
from forkresize.batch.remote.spool import Spool
from forkresize.errors import SourceError, describe
from forkresize.job import Source
from forkresize.ledger import split_root
from forkresize.outcome import Outcome
from forkresize.pool import NothingYet
from forkresize.store import ObjectKind, SourceStore
from forkresize.walk import KeySelection, Root, Selection, walk


class ObjectRoot(Struct, frozen=True):
    """Objects to start from.

    Attributes:
        store: where they are.
        key: of the single object; empty for all objects of the store.
        prefix: the path below the destination of the store or, for a single object, of its output.
    """

    store: SourceStore
    key: str
    prefix: str

    @property
    def path(self) -> str:
        """The URL."""
        return self.store.location(self.key)


AnyRoot = Root | ObjectRoot


class RemoteDiscovery:
    """The sources of one run. Each is listed once, to disk; see ``Spool``.

    Args:
        named: what the sources were named.
        roots: the same, opened.
        selection: which sources belong to the run.
        guard: knows the destination, whose objects are not sources.
        should_stop: ends the listing early.
    """

    def __init__(
        self,
        named: Sequence[str],
        roots: Sequence[AnyRoot],
        selection: Selection,
        guard: PrefixGuard,
        should_stop: Callable[[], bool],
    ) -> None:
        self.named = named
        self.roots = roots
        self._selection = selection
        self._guard = guard
        self._should_stop = should_stop
        self._spool = Spool(self._list, should_stop)
        self._stores = [(_prefix(root), root) for root in roots if isinstance(root, ObjectRoot)]

    @property
    def keeps_names_apart(self) -> bool:
        """Whether no two roots can yield sources of the same relative path."""
        return len({root.prefix for root in self.roots}) == len(self.roots)

    def start(self) -> None:
        """Begin to list, without waiting for it."""
        self._spool.start()

    def walk(
        self, selection: Selection | None = None, should_stop: Callable[[], bool] | None = None
    ) -> Iterator[Found]:
        """Yield what is listed: sources, and outcomes of what is not a source. Repeatable.

        Args:
            selection: what is included, if not what the settings say. Local files were selected when they were found.
            should_stop: ends the walk early, if not what ends the run.
        """
        stop = should_stop or self._should_stop
        includes = self._filter(selection or self._selection)
        for each in self._spool.read():
            if includes(each):
                yield each
            elif stop():
                return

    def walk_groups(self) -> Iterator[Found]:
        """Yield the same, without groups."""
        return self.walk()

    def follow(self) -> Iterator[Listed]:
        """Yield the same; a NothingYet where nothing was listed yet."""
        includes = self._filter(self._selection)
        for each in self._spool.follow():
            if isinstance(each, NothingYet) or includes(each):
                yield each

    def is_listed(self, path: str) -> bool:
        """Return whether an object would have been listed if it existed."""
        return any(path.startswith(prefix) and not root.key for prefix, root in self._stores)

    def all_objects(self) -> Iterator[Source]:
        """Yield all objects, also those that the selection leaves out."""
        return (each for each in self._spool.read() if isinstance(each, Source) and self._root_of(each) is not None)

    def all_sources(self) -> Iterator[Source]:
        """Yield the sources of all shards."""
        for found in self.walk():
            if self._should_stop():
                return
            if isinstance(found, Source):
                yield found

    def single_files(self) -> Iterable[str]:
        """Return the URLs and paths of sources that were named one by one."""
        for root in self.roots:
            if root.key if isinstance(root, ObjectRoot) else os.path.isfile(root.path):
                yield root.path

    def directories(self) -> frozenset[str]:
        """Return the URLs and absolute paths that contain the sources, as the ledger records them."""
        inner = (Source(posixpath.join(root.path, "x"), posixpath.join(root.prefix, "x")) for root in self.roots)
        return frozenset(split_root(source)[0] for source in inner)

    def _list(self) -> Iterator[Found]:
        for root in self.roots:
            if isinstance(root, Root):
                yield from walk([root], self._selection, None, self._should_stop)
                continue
            try:
                yield from _list_objects(root)
            except OSError as error:
                raise SourceError(f"{root.path!r} cannot be listed: {describe(error)}") from error

    def _filter(self, selection: Selection) -> Callable[[Found], bool]:
        """Return a function that says whether something that was listed belongs to the run."""
        selections = {prefix: KeySelection(selection, root.prefix) for prefix, root in self._stores if not root.key}
        is_output = self._guard.is_output

        def includes(found: Outcome | Source) -> bool:
            source = source_of(found)
            root = self._root_of(source)
            if root is None:
                return True
            if root.key:
                return selection.includes_status(source.size, source.mtime_ns)
            prefix = _prefix(root)
            if is_output(source.path, prefix):
                return False
            return selections[prefix].includes(source.path[len(prefix) :], source.size, source.mtime_ns)

        return includes

    def _root_of(self, source: Source) -> ObjectRoot | None:
        for prefix, root in self._stores:
            if source.path.startswith(prefix) and (not root.key or source.path == root.path):
                return root
        return None


def _prefix(root: ObjectRoot) -> str:
    return f"{root.store.location('').rstrip('/')}/"


def _list_objects(root: ObjectRoot) -> Iterator[Source]:
    if root.key:
        found = root.store.stat(root.key)
        if found is None:
            raise SourceError(f"{root.path!r} does not exist")
        yield update_source(Source(root.path, root.prefix), found)
        return
    location, names = _prefix(root), KeySelection(Selection(), root.prefix)
    for info in root.store.scan():
        # Consoles show an empty object with a slash at its end as a directory.
        if info.kind is ObjectKind.FILE:
            yield update_source(Source(location + info.key, names.relative(info.key)), info)
