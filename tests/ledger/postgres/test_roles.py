"""deploy/postgresql/roles.sql: each role can do what it needs, and no more."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from forkresize.errors import LedgerError
from forkresize.ledger import OutputRecord, open_ledger
from forkresize.ledger.postgres import Database, migrate, read_scripts
from tests.ledger.postgres.conftest import Query
from tests.servers.program import uses

pytestmark = [*uses("postgresql"), pytest.mark.slow]

SCRIPT = Path(__file__).parents[3] / "deploy/postgresql/roles.sql"
ROLES = ("client", "node", "reader")
RECORD = OutputRecord("a", "/in", "a", 10, 20, None, b"recipe", "written", run=1, size=5, mtime_ns=6)


@pytest.fixture(params=["ledger", "cluster"], autouse=True)
def roles(request: pytest.FixtureRequest, url: str, query: Query) -> Iterator[None]:
    """The roles, and a user of each, in a database with the tables of the ledger, or of a cluster too."""
    with open_ledger("s3://a/b", url) as ledger:
        ledger.begin_run()
        ledger.record([RECORD])
    if request.param == "cluster":
        with Database(url) as database:
            migrate(database, "cluster", read_scripts("forkresize.cluster.migrations"))
    for _ in range(2):
        with psycopg.connect(url) as connection:
            connection.execute(SCRIPT.read_bytes())
    for role in ROLES:
        query(f"CREATE ROLE test_{role} LOGIN IN ROLE forkresize_{role}")
    yield
    for role in ROLES:
        query(f"DROP ROLE test_{role}")
        query(f"DROP OWNED BY forkresize_{role}")
        query(f"DROP ROLE forkresize_{role}")


def as_role(url: str, role: str) -> str:
    return url.replace("test@", f"test_{role}@")


def test_a_client_does_whole_runs(url: str) -> None:
    with open_ledger("s3://a/new", as_role(url, "client")) as ledger:
        ledger.hold(None, 0, list)
        ledger.begin_run()
        ledger.record([RECORD, RECORD._replace(key="b")])
        ledger.forget(["b"])
        assert list(ledger.iter_records()) == [RECORD]


def test_a_node_records_and_removes_nothing(url: str) -> None:
    changed = RECORD._replace(size=7, root="/other")
    with open_ledger("s3://a/b", as_role(url, "node")) as ledger:
        ledger.join_run(1)
        ledger.record([changed])
    with open_ledger("s3://a/b", as_role(url, "node")) as ledger:
        ledger.join_run(1)
        assert ledger.get("a") == changed
        with pytest.raises(LedgerError, match="permission denied"):
            ledger.forget(["a"])
        with pytest.raises(LedgerError, match="permission denied"):
            ledger.begin_run()


def test_a_reader_only_reads(url: str) -> None:
    with open_ledger("s3://a/b", as_role(url, "reader"), read_only=True) as ledger:
        assert list(ledger.iter_records()) == [RECORD]
    ledger = open_ledger("s3://a/b", as_role(url, "reader"))
    ledger.record([RECORD])
    with pytest.raises(LedgerError, match="permission denied"):
        ledger.close()


@pytest.mark.parametrize("role", ROLES)
def test_no_role_changes_tables(url: str, role: str) -> None:
    with Database(as_role(url, role)) as database, pytest.raises(LedgerError, match="permission denied"):
        migrate(database, "other", ["CREATE TABLE forkresize.other ()"])
