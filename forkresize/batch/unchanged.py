"""Sources whose outputs are all up to date, found for a whole directory at once, without an object for each."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, groupby
from typing import TYPE_CHECKING, Protocol, Self

from msgspec import Struct

from forkresize.batch.listing import Grouped, Listed
from forkresize.ledger import LedgerStore, OutputStates, split_root
from forkresize.outcome import UNCHANGED, Outcome, OutputRef
from forkresize.plan import OverwriteGuard
from forkresize.plan.staleness import Compare, IfExists, Rules, interruption_bounds, may_be_incomplete
from forkresize.store import LocalStore, is_reserved
from forkresize.walk import FileGroup

if TYPE_CHECKING:
    from forkresize.batch.prepare import RunPlan


class Report(Protocol):
    """Counts and announces unchanged outputs; see ``RunState.report_unchanged``."""

    def __call__(self, sources: int, outputs: int, size: int, create_outcomes: Callable[[], Iterable[Outcome]]) -> None:
        """Report sources with so many outputs; their outcomes are created if an observer wants them."""


class _Column(Struct):
    """The outputs of a group for one rendition, in the order of the sources.

    Attributes:
        rendition: index of the rendition.
        keys: of the outputs.
        runs: the names of outputs that follow each other in one directory, with the part of their keys before that.
    """

    rendition: int
    keys: Sequence[str]
    runs: Sequence[tuple[str, Sequence[str]]]

    @classmethod
    def of(cls, rendition: int, keys: Sequence[str]) -> Self:
        """Return the column with these keys."""
        folder = _common_folder(keys)
        grouped = [(folder, keys)] if folder is not None else groupby(keys, _folder_of)
        return cls(rendition, keys, [(folder, [key[len(folder) :] for key in found]) for folder, found in grouped])


def take_apart(found: Iterable[Grouped]) -> Iterator[Listed]:
    """Yield what a listing found, with the sources of groups one by one."""
    for each in found:
        if isinstance(each, FileGroup):
            yield from each.sources()
        else:
            yield each


class UnchangedSources:
    """Takes groups apart: reports the sources whose outputs are all up to date, and yields the others.

    It decides as ``StalenessChecker`` does in a run that updates outputs by size and modification time; what it cannot
    see at once, it leaves to that.

    Args:
        plan: the run.
        ledger: the records.
        rules: of the decisions.
        report: called with the sources that are unchanged.
    """

    def __init__(self, plan: "RunPlan", ledger: LedgerStore, rules: Rules, report: Report) -> None:
        self._plan = plan
        self._store = LocalStore(plan.store.location(""))
        self._ledger = ledger
        self._rules = rules
        self._report = report
        self._top = self._store.location("x")[:-1]
        self._interrupted_ns = interruption_bounds(rules.interrupted)
        self._exceptions = plan.collisions.suffixes.keys() | plan.collisions.skipped.keys()

    @staticmethod
    def supports(plan: "RunPlan") -> bool:
        """Return whether it decides as the run's settings ask for."""
        settings = plan.settings
        return (
            settings.if_exists is IfExists.UPDATE
            and settings.compare is Compare.STAT
            and not settings.in_place
            and settings.source_filter is None
            and not plan.collisions.duplicates
            and isinstance(plan.guard, OverwriteGuard)
            and isinstance(plan.store, LocalStore)
        )

    def leave_out(self, found: Iterable[Grouped]) -> Iterator[Listed]:
        """Yield what a listing found, without the unchanged sources of groups. A stop ends it.

        Raises:
            LedgerError: while it is iterated: the records cannot be read.
        """
        for each in found:
            if not isinstance(each, FileGroup):
                yield each
            elif self._plan.stop():
                return
            else:
                yield from self._leave_out(each)

    def _leave_out(self, group: FileGroup) -> Iterator[Listed]:
        shard = self._plan.settings.shard
        if shard is not None:
            group = group.select(shard.has(group.prefix + name) for name in group.names)
        columns = self._columns(group) if group.names else None
        if columns is None:
            yield from group.sources()
            return
        start = 0
        for index, is_unchanged in enumerate(self._find_unchanged(group, columns)):
            if not is_unchanged:
                self._report_range(group, columns, range(start, index))
                yield group.source(index)
                start = index + 1
        self._report_range(group, columns, range(start, len(group)))

    def _columns(self, group: FileGroup) -> list[_Column] | None:
        """Return the outputs of a group; None if each source has to be looked at by itself."""
        naming = self._plan.naming
        found = naming.keys_in(group.prefix, group.names)
        if found is None:
            return None
        if naming.mirrors_source:
            columns = [_Column(0, found[0], [(group.prefix, group.names)])]
        else:
            columns = [_Column.of(number, keys) for number, keys in enumerate(found)]
        folders = {folder for column in columns for folder, _ in column.runs}
        return columns if all(self._may_write(folder, group.folder) for folder in folders) else None

    def _may_write(self, folder: str, source_folder: str) -> bool:
        """Return whether outputs of any name may be written to a directory."""
        guard = self._plan.guard
        if is_reserved(folder) or not isinstance(guard, OverwriteGuard):
            return False
        return guard.allows_all(self._top + folder, source_folder)

    def _find_unchanged(self, group: FileGroup, columns: Sequence[_Column]) -> list[bool]:
        unchanged = [True] * len(group)
        if self._exceptions:
            unchanged = [group.folder + name not in self._exceptions for name in group.names]
        for column in columns:
            found = self._match(group, column)
            unchanged = [is_one and each for is_one, each in zip(unchanged, found, strict=True)]
        return unchanged

    def _match(self, group: FileGroup, column: _Column) -> list[bool]:
        """Return whether each output of a column is up to date."""
        statuses = [self._store.stat_files(folder, names) for folder, names in column.runs]
        sizes, mtimes_ns, changes_ns = zip(*chain.from_iterable(statuses), strict=True)
        root, first = split_root(group.source(0))
        prefix = first.removesuffix(group.names[0])
        sources = [prefix + name for name in group.names]
        states = OutputStates(
            root=root,
            keys=column.keys,
            sources=sources,
            source_sizes=group.sizes,
            source_mtimes_ns=group.mtimes_ns,
            recipe=self._rules.fingerprints.for_rendition(column.rendition),
            sizes=sizes,
            mtimes_ns=mtimes_ns,
        )
        runs = self._ledger.match(states)
        if runs is None:
            return [False] * len(group)
        if self._rules.interrupted:
            runs = [self._run_if_complete(*each) for each in zip(runs, changes_ns, strict=True)]
        # The size of what is missing is 0.
        return [run is not None and size > 0 for run, size in zip(runs, sizes, strict=True)]

    def _run_if_complete(self, run: int | None, changed_ns: int) -> int | None:
        """Return the run that recorded an output; None if the output may be what an interrupted run has left."""
        first_ns, last_ns = self._interrupted_ns
        if run is None or not first_ns <= changed_ns <= last_ns:
            return run
        return None if may_be_incomplete(self._rules.interrupted, run, changed_ns) else run

    def _report_range(self, group: FileGroup, columns: Sequence[_Column], indexes: range) -> None:
        if indexes:
            size = sum(group.sizes[indexes.start : indexes.stop])
            self._report(
                len(indexes), len(indexes) * len(columns), size, lambda: self._outcomes(group, columns, indexes)
            )

    def _outcomes(self, group: FileGroup, columns: Sequence[_Column], indexes: range) -> Iterator[Outcome]:
        for index in indexes:
            source = group.source(index)
            for column in columns:
                yield Outcome(OutputRef(source, self._store.location(column.keys[index]), column.rendition), UNCHANGED)


def _folder_of(key: str) -> str:
    """Return the part of a key before the name."""
    return key[: key.rfind("/") + 1]


def _common_folder(keys: Sequence[str]) -> str | None:
    """Return the part of keys before their names if all have the same; None otherwise."""
    folder = _folder_of(min(keys))
    # What the first and the last key begin with, all keys begin with.
    if max(keys).startswith(folder) and "".join(keys).count("/") == folder.count("/") * len(keys):
        return folder
    return None
