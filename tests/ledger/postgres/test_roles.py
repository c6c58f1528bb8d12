"""deploy/postgresql/roles.sql: each role can do what it needs, and no more."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from forkresize.cluster.database import ClusterDatabase
from forkresize.cluster.database.values import NewChunk, RunState
from forkresize.cluster.spec import RunSpec
from forkresize.daemon import main
from forkresize.errors import LedgerError
from forkresize.gateway.runs.messages import PictureFailed
from forkresize.gateway.runs.records.postgres import open_postgres
from forkresize.gateway.runs.records.values import Limits, NewRun
from forkresize.gateway.runs.run import RunState as State
from forkresize.ledger import OutputRecord, open_ledger
from forkresize.ledger.postgres import Database, migrate
from tests.ledger.postgres.conftest import Query
from tests.servers.program import find_program, uses

pytestmark = [*uses("postgresql"), pytest.mark.slow]

SCRIPT = Path(__file__).parents[3] / "deploy/postgresql/roles.sql"
ROLES = ("client", "node", "gateway", "reader")
WITH_CLUSTER = pytest.mark.parametrize("roles", ["cluster"], indirect=True)
RECORD = OutputRecord("a", "/in", "a", 10, 20, None, b"recipe", "written", run=1, size=5, mtime_ns=6)


@pytest.fixture(params=["ledger", "cluster"], autouse=True)
def roles(request: pytest.FixtureRequest, url: str, query: Query) -> Iterator[None]:
    """The roles, and a user of each, in a database with the tables of the ledger, or of a cluster too."""
    with open_ledger("s3://a/b", url) as ledger:
        ledger.begin_run()
        ledger.record([RECORD])
    if request.param == "cluster":
        assert main(["migrate", "--ledger", url]) == 0
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


@WITH_CLUSTER
def test_a_gateway_does_whole_runs_and_records_who_asked(url: str) -> None:
    with open_ledger("s3://a/new", as_role(url, "gateway")) as ledger:
        ledger.hold(None, 0, list)
        ledger.begin_run()
        ledger.record([RECORD])
        ledger.forget([RECORD.key])
        number = ledger.run
    with ClusterDatabase(as_role(url, "gateway")) as database:
        database.migrate()
        database.runs.create(number, RunSpec(sources=["s3://a/in"], destination="s3://a/new", recipe="{}"), "web")
        database.runs.add_chunks(number, [NewChunk(1, "manifest", 0, 1, 5)])
        assert database.outbox.relay(lambda *_: None) == 1
        database.runs.cancel(number)
        database.runs.end(number, RunState.CANCELLED)
    records = open_postgres(as_role(url, "gateway"), Limits(run_seconds=-1.0))
    new = NewRun(id="1", principal="web", request="{}", digest="d", destination="s3://a/new", recipe="{}", key="k")
    records.submit(new)
    claim = records.claim("gateway", 60.0)
    assert claim is not None
    records.record("1", claim.attempt, 1, [PictureFailed("a", "b", "{}")])
    records.finish(claim, State.FAILED, 1)
    assert records.purge() == 1
    records.close()


@WITH_CLUSTER
@pytest.mark.parametrize("role", ["client", "node"])
def test_only_gateways_see_who_asked(url: str, role: str) -> None:
    with psycopg.connect(as_role(url, role)) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SELECT * FROM forkresize.gateway_run")


def test_the_command_in_its_comment_fails_when_the_script_does(url: str, query: Query) -> None:
    (line,) = re.findall("^-- +(psql .*)$", SCRIPT.read_text(), re.MULTILINE)
    words = [url if word.startswith("postgresql:") else word for word in shlex.split(line)]
    words[0] = find_program("psql", "postgresql-client")
    root = SCRIPT.parents[2]
    assert subprocess.run(words, cwd=root, capture_output=True, check=False, timeout=60).returncode == 0
    query("ALTER TABLE forkresize.root RENAME TO other")
    assert subprocess.run(words, cwd=root, capture_output=True, check=False, timeout=60).returncode == 3


@pytest.mark.parametrize("role", ROLES)
def test_no_role_changes_tables(url: str, role: str) -> None:
    with Database(as_role(url, role)) as database, pytest.raises(LedgerError, match="permission denied"):
        migrate(database, "other", ["CREATE TABLE forkresize.other ()"])
