"""The ledger in PostgreSQL. It needs psycopg, of the extra ``postgres``."""

from forkresize.ledger.postgres.database import Connection, Cursor, Database, Timeouts
from forkresize.ledger.postgres.errors import ConnectionLostError
from forkresize.ledger.postgres.ledger import PostgresLedger
from forkresize.ledger.postgres.lock import DestinationLock
from forkresize.ledger.postgres.migrate import migrate

__all__ = [
    "Connection",
    "ConnectionLostError",
    "Cursor",
    "Database",
    "DestinationLock",
    "PostgresLedger",
    "Timeouts",
    "migrate",
]
