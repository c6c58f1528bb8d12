"""What is recorded of pictures that were made, in the ledgers of batches: RecordReader and RecordWriter."""

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from forkresize.errors import DestinationBusyError
from forkresize.gateway.derivatives.places import Place, destination_of
from forkresize.job import Job, Source
from forkresize.ledger import (
    LedgerStore,
    NullLedger,
    RecipeFingerprints,
    open_ledger,
    records_for,
    source_record,
    split_root,
)
from forkresize.outcome import Outcome, Unchanged
from forkresize.plan.staleness import Policy, Rules, SourceState, decide
from forkresize.store import ObjectInfo, OutputStore

_LOG = logging.getLogger("forkresize.gateway")

_OPEN = 32
"""Ledgers that are kept open for reading."""


class Made(Struct, frozen=True):
    """A picture that was made and put, to be recorded.

    Attributes:
        place: where it is.
        job: source and output.
        outcome: what happened.
        info: the object.
        fingerprints: what it was made with.
    """

    place: Place
    job: Job
    outcome: Outcome
    info: ObjectInfo
    fingerprints: RecipeFingerprints


class RecordReader:
    """Reads ledgers. All calls have to be made in one thread.

    Args:
        store: the URL or the path of the store.
        ledger: the URL of the ledgers; None for the default place.
    """

    def __init__(self, store: str, ledger: str | None) -> None:
        self._store = store
        self._ledger = ledger
        self._open: OrderedDict[str, LedgerStore] = OrderedDict()

    def find(
        self, place: Place, source: Source, fingerprints: RecipeFingerprints, found: ObjectInfo | None
    ) -> str | None:
        """Return the format of an object if it is recorded as made of this source with this recipe; otherwise None.

        Args:
            place: where the object is.
            source: as it is now.
            fingerprints: what it would be made with.
            found: the object, as it is now.

        Raises:
            LedgerError: the records cannot be read.
        """
        if found is None:
            return None
        ledger = self._ledger_of(place.folder)
        record = ledger.get_many([place.key]).get(place.key)
        # Without a record, a batch would compare times; that is not enough to serve it.
        if record is None or record.status != "written":
            return None
        root, relative = split_root(source)
        state = SourceState(root, relative, source.size, source.mtime_ns, None, source.etag, source.version)
        rules = Rules(Policy(), lambda: fingerprints, ledger.interrupted_runs())
        decision = decide(rules, state, 0, found, record)
        return record.format if isinstance(decision.detail, Unchanged) else None

    def close(self) -> None:
        """Close what is open."""
        while self._open:
            self._open.popitem()[1].close()

    def _ledger_of(self, folder: str) -> LedgerStore:
        ledger = self._open.get(folder)
        if ledger is not None:
            self._open.move_to_end(folder)
            return ledger
        ledger = open_ledger(destination_of(self._store, folder), self._ledger, read_only=True)
        if isinstance(ledger, NullLedger):
            # It may be made at any time.
            return ledger
        self._open[folder] = ledger
        if len(self._open) > _OPEN:
            self._open.popitem(last=False)[1].close()
        return ledger


class RecordWriter:
    """Writes ledgers.

    Args:
        store: the URL or the path of the store.
        ledger: the URL of the ledgers; None for the default place.
        open_destination: returns the store of a destination.
    """

    def __init__(self, store: str, ledger: str | None, open_destination: Callable[[str], OutputStore]) -> None:
        self._store = store
        self._ledger = ledger
        self._open_destination = open_destination

    def write(self, made: Sequence[Made]) -> list[Made]:
        """Record pictures, in a run of their own for each destination; return those whose destination is busy.

        Raises:
            LedgerError: the records cannot be written.
            OSError: the lock of a destination cannot be taken.
        """
        by_folder: dict[str, list[Made]] = {}
        for each in made:
            by_folder.setdefault(each.place.folder, []).append(each)
        busy: list[Made] = []
        for folder, group in by_folder.items():
            try:
                self._write(folder, group)
            except DestinationBusyError:
                _LOG.info("%s is held by a batch: %d pictures are recorded later", folder, len(group))
                busy += group
        return busy

    def _write(self, folder: str, made: Sequence[Made]) -> None:
        destination = destination_of(self._store, folder)
        with self._open_destination(folder).lock(), open_ledger(destination, self._ledger) as ledger:
            ledger.hold(None, 0.0, lambda: None)
            ledger.begin_run()
            for each in made:
                base = source_record(each.job.source, ledger.run)
                found: Mapping[str, ObjectInfo] = {each.place.key: each.info}
                ledger.record(records_for(each.job, [each.outcome], base, each.fingerprints, found))
