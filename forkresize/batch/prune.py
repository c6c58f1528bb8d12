"""Pruning: outputs of earlier runs whose source is gone. Only files that the ledger names are looked at."""

import os
import stat
from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from msgspec import Struct

from forkresize import storage
from forkresize.errors import describe
from forkresize.job import Source
from forkresize.ledger import OutputRecord, SqliteLedger
from forkresize.outcome import Failed, Outcome, OutputRef, Pruned, Reason


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
        return (
            f"{orphans} of {total} outputs have lost their source, more than the limit of {self} (max_prune); "
            "none was removed"
        )

    def __str__(self) -> str:
        return f"{self.limit:g}{'%' if self.percent else ''}"


class PrunePlan(Struct, frozen=True):
    """The outputs to prune.

    Attributes:
        destination: the directory that all outputs lie below.
        orphans: outputs of earlier runs, unchanged since, whose source is gone, by their keys in the ledger.
        total: how many outputs the ledger names.
        missing: keys of records whose source and output are both gone.
    """

    destination: str
    orphans: dict[bytes, Outcome]
    total: int
    missing: list[bytes]

    def preview(self) -> Iterator[Outcome]:
        """Yield the outputs that would be removed."""
        yield from self.orphans.values()

    def execute(self, ledger: SqliteLedger) -> Iterator[Outcome]:
        """Remove the outputs, then the directories that this leaves empty; yield each.

        Raises:
            LedgerError: the ledger can't be written.
        """
        forgotten = list(self.missing)
        for key, orphan in self.orphans.items():
            path = orphan.destination or ""
            try:
                storage.remove_output(path, self.destination)
            except FileNotFoundError:
                forgotten.append(key)  # Another shard has removed it.
            except OSError as error:
                detail = Failed(Reason.NOT_WRITTEN, f"cannot remove {path}: {describe(error)}")
                yield Outcome(OutputRef(orphan.source, path), detail)
            else:
                forgotten.append(key)
                yield orphan
        ledger.forget(forgotten)


def plan_prune(ledger: SqliteLedger, destination: str, roots: AbstractSet[str]) -> PrunePlan:
    """Look for every source that the ledger names, and return the outputs to prune.

    Args:
        ledger: names outputs and their sources.
        destination: the directory that all outputs lie below.
        roots: the directories that this run read; outputs made from others are left alone.

    Raises:
        LedgerError: the ledger can't be read.
    """
    plan = PrunePlan(destination, {}, 0, [])
    total = 0
    for root, source, record in ledger.entries():
        total += record.status == "written"
        if root in roots and _is_missing(os.path.join(root, source)):
            _add(plan, os.path.join(root, source), record)
    return PrunePlan(destination, plan.orphans, total, plan.missing)


def _add(plan: PrunePlan, source: str, record: OutputRecord) -> None:
    if record.status != "written":
        plan.missing.append(record.path)
        return
    path = os.path.join(plan.destination, os.fsdecode(record.path))
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        plan.missing.append(record.path)
        return
    except OSError:
        return  # It is unknown whether it was changed.
    if stat.S_ISREG(found.st_mode) and (found.st_size, found.st_mtime_ns) == (record.size, record.mtime_ns):
        gone = Source(source, os.fsdecode(record.source), record.source_size, record.source_mtime_ns)
        plan.orphans[record.path] = Outcome(OutputRef(gone, path), Pruned(record.size))


def _is_missing(path: str) -> bool:
    """Return whether nothing exists at a path; what can't be looked at may exist."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False
