"""Which outputs have lost their source, and their removal. Looks at nothing that the ledger does not name."""

import os
import stat
from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from msgspec import Struct

from forkresize import storage
from forkresize.job import Source
from forkresize.ledger import OutputRecord, SqliteLedger
from forkresize.outcome import Failed, Outcome, OutputRef, Pruned, Reason


class MaxPrune(Struct, frozen=True):
    """How many outputs a run may remove.

    Attributes:
        limit: nothing is removed if it would be more than so many, or than so many in a hundred.
        percent: whether the limit is a share of the outputs that the ledger knows.
    """

    limit: float = 10
    percent: bool = True

    def exceeded(self, lost: int, known: int) -> bool:
        """Whether that many outputs of that many are too many."""
        return lost * 100 > self.limit * known if self.percent else lost > self.limit

    def __str__(self) -> str:
        return f"{self.limit:g}{'%' if self.percent else ''}"


class PrunePlan:
    """The outputs that have lost their source: made by an earlier run, and altered by nobody since.

    Attributes:
        lost: those, each with the path of its source.
        known: how many outputs the ledger knows.
    """

    def __init__(self, ledger: SqliteLedger, destination: str, roots: AbstractSet[str]) -> None:
        """Look at every source that the ledger names.

        Args:
            ledger: what was made.
            destination: the directory that all outputs lie below.
            roots: the directories that this run read; what was made from others is none of its business.

        Raises:
            LedgerError: the ledger can't be read.
        """
        self._ledger = ledger
        self._destination = destination
        self.lost: list[tuple[str, OutputRecord]] = []
        self.known = 0
        self._stale: list[bytes] = []
        for root, source, entry in ledger.entries():
            self.known += entry.status == "written"
            if root in roots and _is_missing(os.path.join(root, source)):
                self._add(os.path.join(root, source), entry)

    def foreseen(self) -> Iterator[Outcome]:
        """Yield what would be removed."""
        for source, entry in self.lost:
            yield self._pruned(source, entry)

    def carried_out(self) -> Iterator[Outcome]:
        """Remove the outputs, and the directories that are empty then; yield each.

        Raises:
            LedgerError: the ledger can't be written.
        """
        for source, entry in self.lost:
            pruned = self._pruned(source, entry)
            try:
                storage.remove_output(self._path(entry), self._destination)
            except FileNotFoundError:
                self._stale.append(entry.path)  # Another shard has removed it.
                continue
            except OSError as error:
                told = f"{pruned.destination}: can't be removed: {error.strerror or error}"
                yield Outcome(OutputRef(pruned.source, pruned.destination), Failed(Reason.NOT_WRITTEN, told))
                continue
            self._stale.append(entry.path)
            yield pruned
        self._ledger.forget(self._stale)

    def _add(self, source: str, entry: OutputRecord) -> None:
        if entry.status != "written":
            self._stale.append(entry.path)
            return
        try:
            found = os.lstat(self._path(entry))
        except (FileNotFoundError, NotADirectoryError):
            self._stale.append(entry.path)
            return
        except OSError:
            return  # Nobody can say whether it was altered.
        if stat.S_ISREG(found.st_mode) and (found.st_size, found.st_mtime_ns) == (entry.size, entry.mtime_ns):
            self.lost.append((source, entry))

    def _path(self, entry: OutputRecord) -> str:
        return os.path.join(self._destination, os.fsdecode(entry.path))

    def _pruned(self, source: str, entry: OutputRecord) -> Outcome:
        relative = os.fsdecode(entry.source)
        found = Source(source, relative, entry.source_size, entry.source_mtime_ns)
        return Outcome(OutputRef(found, self._path(entry)), Pruned(entry.size))


def _is_missing(path: str) -> bool:
    """Whether nothing lies there; what can't be looked at may be there."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False
