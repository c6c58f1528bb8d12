"""The records that are kept between runs: what each output was made of, and how."""

import os

from forkresize.ledger.base import InterruptedRun, LedgerStore, OutputRecord
from forkresize.ledger.null import NullLedger
from forkresize.ledger.records import (
    MEMORY_REASONS,
    RecipeFingerprints,
    recordable_version,
    records_for,
    source_record,
    split_root,
)

__all__ = [
    "MEMORY_REASONS",
    "InterruptedRun",
    "LedgerStore",
    "NullLedger",
    "OutputRecord",
    "RecipeFingerprints",
    "open_ledger",
    "recordable_version",
    "records_for",
    "source_record",
    "split_root",
]


def open_ledger(destination: str, *, read_only: bool = False, durable: bool = False) -> LedgerStore:
    """Open the ledger of a destination, to be used as a context manager.

    Args:
        destination: the directory that all outputs lie below.
        read_only: whether nothing may be written; a missing ledger is empty then.
        durable: whether every record has to survive a power failure as soon as it is made.

    Raises:
        LedgerError: it is damaged, cannot be written, or was made by a later version.
    """
    from forkresize.ledger.sqlite import SqliteLedger, ledger_path

    if read_only and not os.path.lexists(ledger_path(destination)):
        return NullLedger()
    return SqliteLedger(destination, read_only=read_only, durable=durable)
