"""Numbered scripts: each is applied once, by one process, and a later version is refused."""

import threading

import pytest

from forkresize.errors import LedgerError
from forkresize.ledger import open_ledger
from forkresize.ledger.postgres import Database, migrate
from forkresize.ledger.postgres.rows import SCRIPTS
from forkresize.ledger.scripts import read_scripts
from tests.ledger.postgres.conftest import Query
from tests.servers.program import uses

pytestmark = [*uses("postgresql"), pytest.mark.slow]

FIRST = "CREATE TABLE forkresize.t (x integer); INSERT INTO forkresize.t VALUES (1);"
SECOND = "ALTER TABLE forkresize.t ADD COLUMN y integer DEFAULT 2;"


def test_scripts_are_applied_in_order_and_once(url: str, query: Query) -> None:
    with Database(url) as database:
        migrate(database, "part", [FIRST])
        migrate(database, "part", [FIRST])
        assert query("SELECT * FROM forkresize.t") == [(1,)]
        migrate(database, "part", [FIRST, SECOND])
        migrate(database, "other", ["CREATE TABLE forkresize.u ()"])
    assert query("SELECT * FROM forkresize.t") == [(1, 2)]
    versions = query("SELECT component, version FROM forkresize.schema_version ORDER BY component")
    assert versions == [("other", 1), ("part", 2)]


def test_many_processes_migrate_at_once(url: str, query: Query) -> None:
    failures = []

    def work() -> None:
        try:
            with Database(url) as database:
                migrate(database, "part", [FIRST, SECOND])
        except LedgerError as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert query("SELECT * FROM forkresize.t") == [(1, 2)]


def test_a_script_that_fails_changes_nothing(url: str, query: Query) -> None:
    with Database(url) as database:
        with pytest.raises(LedgerError, match="syntax error"):
            migrate(database, "part", [FIRST, "no SQL"])
        assert query("SELECT to_regclass('forkresize.t')") == [(None,)]
        migrate(database, "part", [FIRST, SECOND])


def test_tables_of_a_later_version_are_refused(url: str, query: Query) -> None:
    with open_ledger("s3://a/b", url):
        pass
    query("UPDATE forkresize.schema_version SET version = version + 1")
    for read_only in (True, False):
        with pytest.raises(LedgerError, match="a later version of forkresize has used it; upgrade"):
            open_ledger("s3://a/b", url, read_only=read_only)
    assert query("SELECT version FROM forkresize.schema_version") == [(len(SCRIPTS) + 1,)]


def test_without_anything_to_apply_no_right_to_change_tables_is_needed(url: str, query: Query) -> None:
    with open_ledger("s3://a/b", url) as ledger:
        ledger.begin_run()
    query("CREATE ROLE writer LOGIN")
    query("GRANT USAGE ON SCHEMA forkresize TO writer")
    query("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA forkresize TO writer")
    try:
        with open_ledger("s3://a/b", url.replace("test@", "writer@")) as ledger:
            ledger.begin_run()
    finally:
        query("DROP OWNED BY writer")
        query("DROP ROLE writer")


def test_scripts_are_numbered_without_gaps() -> None:
    assert len(read_scripts("forkresize.ledger.postgres.migrations")) == len(SCRIPTS) > 0
