"""Pruning: outputs of earlier runs whose source is gone. Only files that the ledger names are looked at."""

import os
from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from msgspec import Struct, field

from forkresize.errors import describe
from forkresize.job import Source
from forkresize.ledger import LedgerStore, OutputRecord
from forkresize.outcome import Failed, Outcome, OutputRef, Pruned, Reason
from forkresize.store import LocalStore, ObjectKind, OutputStore


class MaxPrune(Struct, frozen=True):
    """How many outputs a run may remove.

    Attributes:
        limit: a number of outputs, or a percentage; if more would be removed, none is.
        percent: whether the limit is a percentage of the outputs in the ledger.
    """

    limit: float = 10
    percent: bool = True

    def exceeded(self, orphans: int, total: int) -> bool:
        """Return whether so many orphans among all outputs are too many."""
        return orphans * 100 > self.limit * total if self.percent else orphans > self.limit

    def refusal(self, orphans: int, total: int) -> str | None:
        """Return why so many orphans are not removed; None if they may be."""
        if not self.exceeded(orphans, total):
            return None
        return f"{orphans} of {total} outputs have lost their source, more than the limit of {self}; none was removed"

    def __str__(self) -> str:
        return f"{self.limit:g}{'%' if self.percent else ''}"


class PrunePlan(Struct):
    """The outputs to prune.

    Attributes:
        store: where the outputs are.
        orphans: outputs of earlier runs, unchanged since, whose source is gone, by their keys.
        total: how many outputs the ledger names.
        missing: keys of records whose source and output are both gone.
    """

    store: OutputStore
    orphans: dict[str, Outcome] = field(default_factory=dict)
    total: int = 0
    missing: list[str] = field(default_factory=list)

    def preview(self) -> Iterator[Outcome]:
        """Yield the outputs that would be removed."""
        yield from self.orphans.values()

    def execute(self, ledger: LedgerStore) -> Iterator[Outcome]:
        """Remove the outputs, then the directories that this leaves empty; yield each.

        Raises:
            LedgerError: the ledger can't be written.
        """
        forgotten = list(self.missing)
        for key, orphan in self.orphans.items():
            try:
                self.store.delete(key)
            except FileNotFoundError:
                forgotten.append(key)  # Another shard has removed it.
            except OSError as error:
                detail = Failed(Reason.NOT_WRITTEN, f"cannot remove {orphan.destination}: {describe(error)}")
                yield Outcome(orphan.ref, detail)
            else:
                forgotten.append(key)
                yield orphan
        ledger.forget(forgotten)


class RemovableOutputs:
    """Finds the outputs of earlier runs that may be pruned: unchanged since, and their source is gone.

    Args:
        ledger: names outputs and their sources.
        store: where the outputs are.
        roots: the directories that this run reads; outputs made from others are left alone.
    """

    def __init__(self, ledger: LedgerStore, store: OutputStore, roots: AbstractSet[str]) -> None:
        self.ledger = ledger
        self.store = store
        self._roots = roots

    def plan(self) -> PrunePlan:
        """Look for every source that the ledger names, and return the outputs to prune.

        Raises:
            LedgerError: the ledger can't be read.
        """
        plan = PrunePlan(self.store)
        for record in self.ledger.iter_records():
            plan.total += record.status == "written"
            self._add(plan, record)
        return plan

    def add(self, plan: PrunePlan, key: str) -> None:
        """Add an output to a plan if it may be pruned.

        Raises:
            LedgerError: the ledger can't be read.
        """
        if (record := self.ledger.get(key)) is not None:
            self._add(plan, record)

    def _add(self, plan: PrunePlan, record: OutputRecord) -> None:
        source = os.path.join(record.root, record.source)
        if record.root not in self._roots or not _is_gone(source):
            return
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
        elif found.kind is ObjectKind.FILE and (found.size, found.mtime_ns) == (record.size, record.mtime_ns):
            gone = Source(source, record.source, record.source_size, record.source_mtime_ns)
            plan.orphans[record.key] = Outcome(OutputRef(gone, self.store.location(record.key)), Pruned(record.size))


def _is_gone(path: str) -> bool:
    """Return whether no file exists at a path, though there may be a directory; what can't be looked at may exist."""
    try:
        found = LocalStore("").stat(path)
        if found is not None and found.kind is ObjectKind.OTHER:
            found = LocalStore("").stat(path, follow=True) or found
    except NotADirectoryError:
        return True
    except OSError:
        return False
    return found is None or found.kind is ObjectKind.DIRECTORY
