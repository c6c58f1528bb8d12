"""The ledger in PostgreSQL: batches, lost connections, several destinations and writers, clocks, read-only use."""

import os
import re
import threading
import time

import pytest

from forkresize.errors import FieldError, LedgerError
from forkresize.extras import install_command
from forkresize.ledger import LedgerStore, OutputRecord, open_ledger
from forkresize.ledger.place import DestinationName
from forkresize.ledger.postgres import PostgresLedger, Timeouts
from forkresize.plan.staleness import may_be_incomplete
from tests.ledger.postgres.conftest import Query
from tests.servers.postgresql import PostgresServer
from tests.servers.program import uses

pytestmark = [*uses("postgresql"), pytest.mark.slow]

HERE = DestinationName("s3://a/b", "s3://a/b", "s3://a/b")
ROWS = "SELECT count(*) FROM forkresize.output"
DEADLINE = 60
SECOND = 10**9


def record(key: str, size: int = 5) -> OutputRecord:
    return OutputRecord(key, "/in", key, 10, 20, None, b"recipe", "written", run=1, size=size, mtime_ns=6)


def test_a_batch_is_written_when_it_is_large_or_a_second_old(
    url: str, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_ledger("s3://a/b", url) as ledger:
        ledger.record([record("a")])
        assert query(ROWS) == [(0,)]
        ledger.record(record(f"{number}") for number in range(2000))
        assert query(ROWS) == [(2001,)]
        ledger.record([record("b")])
        now = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now + 2)
        ledger.record([record("c")])
        assert query(ROWS) == [(2003,)]


def test_a_durable_ledger_writes_every_record_at_once(url: str, query: Query) -> None:
    with open_ledger("s3://a/b", url, durable=True) as ledger:
        ledger.record([record("a")])
        assert query(ROWS) == [(1,)]


def test_a_lost_connection_loses_no_record(url: str, query: Query, postgresql: PostgresServer) -> None:
    with open_ledger("s3://a/b", url) as ledger:
        ledger.hold(None, 0, list)
        ledger.begin_run()
        ledger.record(record(f"{number}") for number in range(2000))
        postgresql.crash()
        try:
            started = time.monotonic()
            for number in range(2000, 9000):
                ledger.record([record(f"{number}")])
            assert time.monotonic() - started < DEADLINE / 2
        finally:
            postgresql.start()
        assert ledger.get("8999") == record("8999")
        assert ledger.get("0") == record("0")
    assert query(ROWS) == [(9000,)]
    assert query("SELECT count(*) FROM forkresize.run WHERE ended IS NULL OR broken") == [(0,)]


def test_a_server_that_stays_away_is_an_error_in_the_end(url: str, postgresql: PostgresServer) -> None:
    ledger = PostgresLedger(url, HERE, timeouts=Timeouts(retry=1))
    ledger.begin_run()
    postgresql.crash()
    no_connection = "cannot be used: .*connection"  # It is refused, or closed while the server dies.
    try:
        with pytest.raises(LedgerError, match=no_connection):
            record_until(ledger, time.monotonic() + DEADLINE)
        with pytest.raises(LedgerError, match=no_connection):
            ledger.get("a")
        with pytest.raises(LedgerError, match=no_connection):
            ledger.close()
        ledger.close()
    finally:
        postgresql.start()


def record_until(ledger: LedgerStore, deadline: float) -> None:
    while time.monotonic() < deadline:
        ledger.record(record(f"{number}") for number in range(2000))
        time.sleep(0.01)


def test_destinations_do_not_see_each_other(url: str) -> None:
    with open_ledger("s3://a/b", url) as one, open_ledger("s3://a/c", url) as other:
        one.begin_run()
        other.begin_run()
        one.record([record("x", 1)])
        other.record([record("x", 2), record("y", 2)])
        one.forget(["y"])
        assert list(one.iter_records()) == [record("x", 1)]
        assert list(other.iter_records()) == [record("x", 2), record("y", 2)]
        assert list(one.interrupted_runs()) == list(other.interrupted_runs()) == []


def test_writers_of_the_same_records_do_not_hinder_each_other(url: str, query: Query) -> None:
    failures: list[BaseException] = []

    def write(number: int) -> None:
        try:
            with open_ledger("s3://a/b", url) as ledger:
                ledger.join_run(number)
                for turn in range(10):
                    keys = [f"{key}" for key in range(500)]
                    ledger.record(record(key, turn) for key in (keys if number % 2 else keys[::-1]))
                    assert isinstance(ledger, PostgresLedger)
                    ledger.flush()
        except BaseException as error:  # noqa: BLE001 -- the test shows it.
            failures.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert failures == []
    assert query("SELECT DISTINCT size FROM forkresize.output") == [(9,)]
    assert query(ROWS) == [(500,)]


def test_runs_are_numbered_by_the_database_and_never_alike(url: str) -> None:
    numbers: list[int] = []

    def begin() -> None:
        for _ in range(5):
            with open_ledger("s3://a/b", url) as ledger:
                ledger.begin_run()
                numbers.append(ledger.run)

    threads = [threading.Thread(target=begin) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert len(set(numbers)) == len(numbers) == 15


def test_a_machine_whose_clock_is_wrong_doubts_what_its_interrupted_run_made(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = time.time_ns
    for skew in (-3600 * SECOND, 3600 * SECOND):
        with monkeypatch.context() as patch:
            patch.setattr(time, "time_ns", lambda skew=skew: real() + skew)
            killed = open_ledger(f"s3://a/{skew}", url)
            killed.begin_run()
            made = time.time_ns()
        with open_ledger(f"s3://a/{skew}", url) as ledger:
            ledger.begin_run()
            assert may_be_incomplete(ledger.interrupted_runs(), 0, made)
            assert may_be_incomplete(ledger.interrupted_runs(), 0, real())
            assert not may_be_incomplete(ledger.interrupted_runs(), 0, real() - 2 * 3600 * SECOND)
        killed.close()


def test_a_dry_run_writes_nothing(url: str, query: Query) -> None:
    with open_ledger("s3://a/b", url, read_only=True) as ledger:
        use_read_only(ledger)
    assert query("SELECT to_regclass('forkresize.run')") == [(None,)]
    with open_ledger("s3://a/b", url) as ledger:
        ledger.record([record("a")])
    with open_ledger("s3://a/b", url, read_only=True) as ledger:
        use_read_only(ledger)
        assert ledger.get("a") == record("a")
    assert query(ROWS) == [(1,)]
    assert query("SELECT count(*) FROM forkresize.run") == [(0,)]
    with open_ledger("s3://a/new", url, read_only=True) as ledger:
        use_read_only(ledger)
    assert query("SELECT name FROM forkresize.destination") == [(b"s3://a/b",)]


def use_read_only(ledger: LedgerStore) -> None:
    assert not ledger.persistent
    ledger.hold(None, 0, list)
    ledger.begin_run()
    ledger.record([record("other")])
    assert ledger.get("missing") is None
    assert ledger.get_many(["missing"]) == {}
    ledger.prefetch(["missing"])


def test_texts_that_postgresql_cannot_hold_are_replaced(url: str) -> None:
    with open_ledger("s3://a/b", url) as ledger:
        named = record("caf\udce9\n", 2**62)
        ledger.record([named._replace(error="a\0b \udce9", reason="r", mtime_ns=2**70, source_mtime_ns=-(2**70))])
    with open_ledger("s3://a/b", url) as ledger:
        found = ledger.get("caf\udce9\n")
        assert found is not None
        assert found.error == "a\\x00b \\udce9"
        assert found[-4:] == (None, None, None, None)
        assert (found.mtime_ns, found.source_mtime_ns) == (2**63 - 1, -(2**63) + 1)


def test_interrupted_runs_beyond_a_thousand_are_combined(url: str, query: Query) -> None:
    with open_ledger("s3://a/b", url):
        pass
    query(
        "INSERT INTO forkresize.run (destination, started, ended, broken, skew_ns) "
        "SELECT 1, now(), now(), true, 0 FROM generate_series(1, 1100)"
    )
    with open_ledger("s3://a/b", url) as ledger:
        *recent, combined = ledger.interrupted_runs()
    assert len(recent) == 999
    assert combined.ended_ns < combined.started_ns == 0


def test_a_forked_process_does_not_end_the_connection(url: str) -> None:
    with open_ledger("s3://a/b", url) as ledger:
        ledger.begin_run()
        pid = os.fork()
        if pid == 0:
            del ledger
            os._exit(0)
        os.waitpid(pid, 0)
        ledger.record([record("a")])
    with open_ledger("s3://a/b", url) as ledger:
        assert ledger.get("a") == record("a")


def test_without_psycopg_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    for name in [name for name in sys.modules if name.startswith("forkresize.ledger.postgres")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(FieldError, match=re.escape(install_command("postgres"))):
        open_ledger("s3://a/b", "postgresql://host/db")
