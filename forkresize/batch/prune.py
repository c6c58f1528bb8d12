"""Pruning: outputs of earlier runs that have lost their source, or that the recipe no longer asks for.

Only files that the ledger names are looked at.
"""

import os
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet

from msgspec import Struct, field

from forkresize.batch.stale import StaleOutputs
from forkresize.errors import describe
from forkresize.job import Source
from forkresize.ledger import LedgerStore, OutputRecord
from forkresize.outcome import Failed, Outcome, OutputRef, Pruned, Reason
from forkresize.plan.staleness import is_recorded
from forkresize.store import LocalStore, ObjectInfo, ObjectKind, OutputStore

_FLOOR = 10
"""As many outputs may be removed at any percentage: in a small directory, a few files are a large share."""

_STALE = "the recipe no longer asks for it"


class MaxPrune(Struct, frozen=True):
    """How many outputs a run may remove.

    Attributes:
        limit: a number of outputs, or a percentage; if more would be removed, none is.
        percent: whether the limit is a percentage of the outputs in the ledger. Ten outputs may always be removed,
            unless they are all of them or the limit is 0.
    """

    limit: float = 10
    percent: bool = True

    def exceeded(self, removed: int, total: int) -> bool:
        """Return whether it is too much to remove so many of all outputs."""
        if not self.percent:
            return removed > self.limit
        is_few = removed <= _FLOOR and removed < total and self.limit > 0
        return not is_few and removed * 100 > self.limit * total

    def refusal(self, orphans: int, stale: int, total: int) -> str | None:
        """Return why nothing is removed, and what to do; None if it may be.

        Args:
            orphans: how many outputs have lost their source.
            stale: how many others the recipe no longer asks for.
            total: how many outputs there are.
        """
        removed = orphans + stale
        if not self.exceeded(removed, total):
            return None
        causes = {"whose source is gone": orphans, "that the recipe no longer asks for": stale}
        why = ", ".join(f"{count:,} {cause}" for cause, count in causes.items() if count)
        return (
            f"{removed:,} of {total:,} outputs would be removed ({why}), more than the limit of {self}; "
            f"none was removed; to remove them, set the limit to {removed}"
        )

    def __str__(self) -> str:
        return f"{self.limit:g}{'%' if self.percent else ''}"


class PrunePlan(Struct):
    """The outputs to prune.

    Attributes:
        store: where the outputs are.
        orphans: outputs of earlier runs, unchanged since, whose source is gone, by their keys.
        stale: such outputs that the recipe no longer asks for, by their keys.
        total: how many outputs the ledger names.
        missing: keys of such records without an output.
    """

    store: OutputStore
    orphans: dict[str, Outcome] = field(default_factory=dict)
    stale: dict[str, Outcome] = field(default_factory=dict)
    total: int = 0
    missing: list[str] = field(default_factory=list)

    def preview(self) -> Iterator[Outcome]:
        """Yield the outputs that would be removed."""
        yield from self.orphans.values()
        yield from self.stale.values()

    def execute(self, ledger: LedgerStore) -> Iterator[Outcome]:
        """Remove the outputs, then the directories that this leaves empty; yield each.

        Raises:
            LedgerError: the ledger can't be written.
        """
        forgotten = list(self.missing)
        outcomes = self.orphans | self.stale
        for key, error in self.store.delete_many(outcomes):
            orphan = outcomes[key]
            if error is None:
                forgotten.append(key)
                yield orphan
            elif isinstance(error, FileNotFoundError):
                forgotten.append(key)  # Another shard has removed it.
            else:
                detail = Failed(Reason.NOT_WRITTEN, f"cannot remove {orphan.destination}: {describe(error)}")
                yield Outcome(orphan.ref, detail)
        ledger.forget(forgotten)


class RemovableOutputs:
    """Finds the outputs of earlier runs that may be pruned: unchanged since, and not made by today's runs.

    Args:
        ledger: names outputs and their sources.
        store: where the outputs are.
        roots: the directories that this run reads; outputs made from others are left alone.
        find_source: returns what is known of the file of a source; see ``find_file``.
    """

    def __init__(
        self,
        ledger: LedgerStore,
        store: OutputStore,
        roots: AbstractSet[str],
        find_source: Callable[[str], ObjectInfo | None] | None = None,
    ) -> None:
        self._find_source = find_source or find_file
        self.ledger = ledger
        self.store = store
        self._roots = roots

    def plan(self, stale: StaleOutputs | None = None) -> PrunePlan:
        """Look for every source that the ledger names, and return the outputs to prune.

        Args:
            stale: finds those that the recipe no longer asks for; None leaves them alone.

        Raises:
            LedgerError: the ledger can't be read.
        """
        plan = PrunePlan(self.store)
        for record in self.ledger.iter_records():
            plan.total += record.status == "written"
            found = self._add_orphan(plan, record)
            if stale is not None and found is not None:
                stale.add(record, found)
        for record, source in () if stale is None else stale.find():
            self._add(plan, record, source, plan.stale, _STALE)
        return plan

    def add(self, plan: PrunePlan, key: str) -> None:
        """Add an output to a plan if it may be pruned because its source is gone.

        Raises:
            LedgerError: the ledger can't be read.
        """
        if (record := self.ledger.get(key)) is not None:
            self._add_orphan(plan, record)

    def _add_orphan(self, plan: PrunePlan, record: OutputRecord) -> ObjectInfo | None:
        """Add an output if its source is gone; return what is known of a source that is there and may be read."""
        if record.root not in self._roots:
            return None
        path = os.path.join(record.root, record.source)
        try:
            found = self._find_source(path)
        except OSError:
            return None  # It may exist.
        if found is None:
            gone = Source(path, record.source, record.source_size, record.source_mtime_ns)
            self._add(plan, record, gone, plan.orphans, "its source is gone")
        return found

    def _add(self, plan: PrunePlan, record: OutputRecord, source: Source, to: dict[str, Outcome], reason: str) -> None:
        if record.status != "written":
            plan.missing.append(record.key)
            return
        try:
            found = self.store.stat(record.key)
        except NotADirectoryError:
            found = None
        except OSError:
            return  # It is unknown whether it was changed.
        if found is None or found.kind is ObjectKind.DIRECTORY:
            plan.missing.append(record.key)
        elif found.kind is ObjectKind.FILE and is_recorded(found, record):
            ref = OutputRef(source, self.store.location(record.key))
            to[record.key] = Outcome(ref, Pruned(record.size, reason))


def find_file(path: str) -> ObjectInfo | None:
    """Return what is known of the file at a path; None if there is none, though there may be a directory.

    Raises:
        OSError: it cannot be looked at, and may exist.
    """
    try:
        found = LocalStore("").stat(path)
        if found is not None and found.kind is ObjectKind.OTHER:
            found = LocalStore("").stat(path, follow=True) or found
    except NotADirectoryError:
        return None
    return None if found is not None and found.kind is ObjectKind.DIRECTORY else found
