"""Numbered SQL scripts that bring the tables of a component to its version."""

from collections.abc import Sequence

from forkresize.errors import OutdatedError
from forkresize.ledger.postgres.database import Cursor, Database

SCHEMA = "forkresize"

_LOCK = 0x46524C47
"""Number of the advisory lock that is held while tables change: ``FRLG``."""

_TABLES = f"""
CREATE SCHEMA IF NOT EXISTS {SCHEMA};
CREATE TABLE IF NOT EXISTS {SCHEMA}.schema_version (
    component text PRIMARY KEY, version integer NOT NULL, changed timestamptz NOT NULL DEFAULT clock_timestamp()
);
"""
_HAS_TABLE = "SELECT to_regclass(%s) IS NOT NULL"
_VERSION = f"SELECT version FROM {SCHEMA}.schema_version WHERE component = %s"  # noqa: S608 -- a name of ours.
_SET_VERSION = f"""
INSERT INTO {SCHEMA}.schema_version (component, version) VALUES (%s, %s)
ON CONFLICT (component) DO UPDATE SET version = excluded.version, changed = clock_timestamp()
"""  # noqa: S608 -- a name of ours.


def migrate(database: Database, component: str, scripts: Sequence[str]) -> None:
    """Apply the scripts of a component that its tables do not have yet, in one transaction of one process.

    If there are none to apply, no right to change tables is needed.

    Args:
        database: the database.
        component: what the tables belong to.
        scripts: all of them, in order.

    Raises:
        OutdatedError: a later version has changed the tables.
        LedgerError: this user may not change them.
    """
    if database.run(lambda cursor: version(cursor, component)) != len(scripts):
        database.run(lambda cursor: _apply(cursor, component, scripts))


def version(cursor: Cursor, component: str) -> int:
    """Return the version of the tables of a component; 0 if there are none."""
    row = cursor.execute(_HAS_TABLE, (f"{SCHEMA}.schema_version",)).fetchone()
    return _version(cursor, component) if row is not None and row[0] else 0


def _version(cursor: Cursor, component: str) -> int:
    row = cursor.execute(_VERSION, (component,)).fetchone()
    return 0 if row is None else int(row[0])


def check_version(component: str, found: int, newest: int) -> None:
    """Check that tables were not made by a later version of this program.

    Raises:
        OutdatedError: they were.
    """
    if found > newest:
        problem = f"the database has version {found} of the tables of {component}, and this program knows {newest}"
        raise OutdatedError(f"{problem}: a later version of forkresize has used it; upgrade, or use another database")


def _apply(cursor: Cursor, component: str, scripts: Sequence[str]) -> None:
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    connection = cursor.connection
    connection.execute(_TABLES)
    # Another process may have been faster.
    found = _version(cursor, component)
    check_version(component, found, len(scripts))
    for script in scripts[found:]:
        connection.execute(script)
    connection.execute(_SET_VERSION, (component, len(scripts)))
