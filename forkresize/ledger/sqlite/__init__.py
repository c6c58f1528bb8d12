"""The ledger in an SQLite file. Nothing outside this package knows SQLite."""

from forkresize.ledger.sqlite.ledger import SqliteLedger
from forkresize.ledger.sqlite.schema import ledger_path

__all__ = ["SqliteLedger", "ledger_path"]
