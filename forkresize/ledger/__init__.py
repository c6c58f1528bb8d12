"""The memory between runs: what was made from what, and what an output that is there calls for. Makes no picture."""

from forkresize.ledger.checksum import checksum
from forkresize.ledger.ledger import LedgerStore, NullLedger, SqliteLedger
from forkresize.ledger.policy import Compare, IfExists, Policy
from forkresize.ledger.record import OutputRecord, RecipeFingerprints
from forkresize.ledger.roots import split_root
from forkresize.ledger.schema import ledger_path
from forkresize.ledger.staleness import StalenessChecker

__all__ = [
    "Compare",
    "IfExists",
    "LedgerStore",
    "NullLedger",
    "OutputRecord",
    "Policy",
    "RecipeFingerprints",
    "SqliteLedger",
    "StalenessChecker",
    "checksum",
    "ledger_path",
    "split_root",
]
