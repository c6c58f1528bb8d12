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


def plan_prune(ledger: LedgerStore, store: OutputStore, roots: AbstractSet[str]) -> PrunePlan:
    """Look for every source that the ledger names, and return the outputs to prune.

    Args:
        ledger: names outputs and their sources.
        store: where the outputs are.
        roots: the directories that this run read; outputs made from others are left alone.

    Raises:
        LedgerError: the ledger can't be read.
    """
    plan = PrunePlan(store)
    for record in ledger.iter_records():
        plan.total += record.status == "written"
        source = os.path.join(record.root, record.source)
        if record.root in roots and _is_missing(source):
            _add(plan, source, record)
    return plan


def _add(plan: PrunePlan, source: str, record: OutputRecord) -> None:
    if record.status != "written":
        plan.missing.append(record.key)
        return
    try:
        found = plan.store.stat(record.key)
    except NotADirectoryError:
        found = None
    except OSError:
        return  # It is unknown whether it was changed.
    if found is None:
        plan.missing.append(record.key)
    elif found.kind is ObjectKind.FILE and (found.size, found.mtime_ns) == (record.size, record.mtime_ns):
        gone = Source(source, record.source, record.source_size, record.source_mtime_ns)
        plan.orphans[record.key] = Outcome(OutputRef(gone, plan.store.location(record.key)), Pruned(record.size))


def _is_missing(path: str) -> bool:
    """Return whether nothing exists at a path; what can't be looked at may exist."""
    try:
        return LocalStore("").stat(path) is None
    except NotADirectoryError:
        return True
    except OSError:
        return False
