"""A connection to PostgreSQL: transactions, lost connections, time-outs, secrets."""

import itertools
import threading
import time
import traceback
from collections.abc import Iterator

import psycopg
import pytest

from forkresize.errors import FieldError, LedgerError
from forkresize.ledger.postgres import ConnectionLostError, Cursor, Database, Timeouts
from tests.ledger.postgres.conftest import Query
from tests.servers.postgresql import PostgresServer
from tests.servers.program import find_free_port, uses

pytestmark = [*uses("postgresql"), pytest.mark.slow]

DEADLINE = 30


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with Database(url) as database:
        yield database


def backend(cursor: Cursor) -> int:
    row = cursor.execute("SELECT pg_backend_pid()").fetchone()
    assert row is not None
    return int(row[0])


def test_missing_tables_are_reported_with_what_creates_them(database: Database) -> None:
    with pytest.raises(LedgerError, match=r"lacks tables \(relation .*\): create them by forkresized migrate$"):
        database.run(lambda cursor: cursor.execute("SELECT 1 FROM forkresize.run"))


def test_a_transaction_is_committed_or_rolled_back_as_a_whole(database: Database, query: Query) -> None:
    query("CREATE TABLE t (x integer)")
    database.run(lambda cursor: cursor.execute("INSERT INTO t VALUES (1)"))

    def fail(cursor: Cursor) -> None:
        cursor.execute("INSERT INTO t VALUES (2)")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        database.run(fail)
    assert query("SELECT x FROM t") == [(1,)]


def test_a_transaction_whose_connection_was_cut_is_executed_again(database: Database, query: Query) -> None:
    query("CREATE TABLE t (x integer)")
    backends = []

    def insert(cursor: Cursor) -> None:
        backends.append(backend(cursor))
        cursor.execute("INSERT INTO t VALUES (1)")
        if len(backends) < 3:
            query("SELECT pg_terminate_backend(%s)", backends[-1])
        cursor.execute("INSERT INTO t VALUES (2)")

    database.run(insert)
    assert len(set(backends)) == 3
    assert query("SELECT x FROM t ORDER BY x") == [(1,), (2,)]


def test_a_server_that_crashed_and_came_back_is_used_again(
    database: Database, postgresql: PostgresServer, query: Query
) -> None:
    query("CREATE TABLE t (x integer)")
    begun, crashed = threading.Event(), threading.Event()
    tries = []

    def insert(cursor: Cursor) -> None:
        tries.append(cursor)
        cursor.execute("INSERT INTO t VALUES (1)")
        begun.set()
        assert crashed.wait(DEADLINE)
        cursor.execute("INSERT INTO t VALUES (2)")

    # The kernel kills the server when the thread ends that started it.
    writing = threading.Thread(target=database.run, args=(insert,))
    writing.start()
    assert begun.wait(DEADLINE)
    postgresql.crash()
    crashed.set()
    postgresql.start()
    writing.join(DEADLINE)
    assert len(tries) == 2
    assert query("SELECT x FROM t ORDER BY x") == [(1,), (2,)]


def test_a_server_that_does_not_come_back_is_an_error_when_the_time_is_over(
    url: str, postgresql: PostgresServer
) -> None:
    with Database(url.replace("test@", "test:hunter2@"), Timeouts(retry=1)) as database:
        database.run(backend)
        postgresql.crash()
        try:
            started = time.monotonic()
            with pytest.raises(LedgerError, match="cannot be used") as caught:
                database.run(backend)
            assert 0.3 < time.monotonic() - started < DEADLINE
            assert "hunter2" not in "".join(traceback.format_exception(caught.value))
        finally:
            postgresql.start()
        database.run(backend)


def test_a_call_that_does_not_wait_reports_the_loss_until_the_server_is_back(
    database: Database, postgresql: PostgresServer
) -> None:
    database.run(backend)
    postgresql.crash()
    try:
        for _ in range(3):
            with pytest.raises(ConnectionLostError):
                database.run(backend, wait=False)
    finally:
        postgresql.start()
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            database.run(backend, wait=False)
            break
        except ConnectionLostError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


class Interrupted(Exception):  # noqa: N818 -- what happens to a wait.
    """Somebody has lost patience."""


def test_a_wait_is_mentioned_once_and_can_be_ended(
    url: str, postgresql: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    calls = []

    def lose_patience() -> None:
        calls.append(time.monotonic())
        if len(calls) == 20:
            raise Interrupted

    with Database(url.replace("test@", "test:hunter2@")) as database:
        database.run(backend)
        database.on_pause = lose_patience
        postgresql.crash()
        try:
            with pytest.raises(Interrupted):
                database.run(backend)
        finally:
            postgresql.start()
    assert max(later - earlier for earlier, later in itertools.pairwise(calls)) < DEADLINE / 2
    (record,) = caplog.records
    assert record.getMessage().startswith("waiting for the database, for 60 s at most: the ledger 'postgresql://***@")


def test_an_unreachable_server_is_not_waited_for_at_the_start() -> None:
    started = time.monotonic()
    with (
        Database(f"postgresql://test@127.0.0.1:{find_free_port()}/x") as database,
        pytest.raises(LedgerError, match="refused"),
    ):
        database.run(backend)
    assert time.monotonic() - started < DEADLINE


def test_transactions_that_deadlock_are_executed_again(url: str, query: Query) -> None:
    query("CREATE TABLE t (x integer PRIMARY KEY, n integer)")
    query("INSERT INTO t VALUES (1, 0), (2, 0)")
    barrier = threading.Barrier(2)
    tries: list[int] = []

    def update(first: int) -> None:
        def work(cursor: Cursor) -> None:
            tries.append(first)
            cursor.execute("UPDATE t SET n = n + 1 WHERE x = %s", (first,))
            if len(tries) <= 2:
                barrier.wait(DEADLINE)
            cursor.execute("UPDATE t SET n = n + 1 WHERE x = %s", (3 - first,))

        with Database(url) as database:
            database.run(work)

    threads = [threading.Thread(target=update, args=(first,)) for first in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert len(tries) == 3
    assert query("SELECT n FROM t") == [(2,), (2,)]


def test_a_statement_that_takes_too_long_is_an_error(url: str) -> None:
    with Database(url, Timeouts(statement=0.2)) as database:
        with pytest.raises(LedgerError, match="did not answer in time"):
            database.run(lambda cursor: cursor.execute("SELECT pg_sleep(60)"))
        assert database.run(backend) > 0


def test_an_error_of_a_statement_is_not_tried_again(database: Database) -> None:
    tries = []

    def select(cursor: Cursor) -> None:
        tries.append(cursor)
        cursor.execute("SELECT * FROM missing")

    with pytest.raises(LedgerError, match='relation "missing" does not exist'):
        database.run(select)
    assert len(tries) == 1


def test_no_session_keeps_anything(database: Database) -> None:
    def look(cursor: Cursor) -> tuple[object, ...]:
        # PgBouncer may give the next transaction another session.
        for number in range(20):
            cursor.execute("SELECT %s", (number,))
        row = cursor.execute("SELECT count(*) FROM pg_prepared_statements").fetchone()
        assert row is not None
        return row

    assert database.run(look) == (0,)
    assert database.run(look) == (0,)
    with database.connect() as other:
        assert other.execute("SHOW statement_timeout").fetchone() == ("0",)
        assert other.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = pg_backend_pid()").fetchone() == (1,)


def test_the_environment_names_the_server(
    url: str, postgresql: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PGHOST": "127.0.0.1", "PGPORT": str(postgresql.port), "PGUSER": "test"}.items():
        monkeypatch.setenv(name, value)
    name = url.rpartition("/")[2]
    with Database(f"postgresql:///{name}") as database:
        row = database.run(lambda cursor: cursor.execute("SELECT current_database()::text").fetchone())
        assert row == (name,)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:hunter2@127.0.0.1:1/db",
        "postgresql://user:hun%zzter2@127.0.0.1:1/db",
        "postgresql://user:hunter2@127.0.0.1:port/db",
        "postgresql://user@127.0.0.1:1/db?password=hunter2",
        "postgresql://user@127.0.0.1:1/db?no_such_parameter=hunter2",
        "postgresql://user@127.0.0.1:1/db?sslmode=require&sslpassword=hunter2",
        "postgresql://user:hunter2@[::1/db",
    ],
)
def test_no_message_shows_a_password(url: str) -> None:
    with pytest.raises((LedgerError, FieldError)) as caught, Database(url, Timeouts(connect=2)) as database:
        database.run(backend)
    text = "".join(traceback.format_exception(caught.value))
    assert "hunter2" not in text
    assert "zzter2" not in text
    assert isinstance(caught.value, LedgerError | FieldError)


def test_a_wrong_password_is_an_error_without_the_password(url: str, postgresql: PostgresServer, query: Query) -> None:
    query("CREATE ROLE guarded LOGIN PASSWORD 'right'")
    with postgresql.requiring_passwords_of("guarded"):
        guarded = url.replace("test@", "guarded:hunter2@")
        with Database(guarded) as database, pytest.raises(LedgerError, match="authentication failed") as caught:
            database.run(backend)
        assert "hunter2" not in "".join(traceback.format_exception(caught.value))
        with Database(url.replace("test@", "guarded:right@")) as database:
            assert database.run(backend) > 0


def test_a_connection_that_firewalls_forget_is_kept_alive(database: Database) -> None:
    with database.connect() as connection:
        assert connection.info.get_parameters()["keepalives_idle"] == "30"
    assert isinstance(connection, psycopg.Connection)


def test_a_database_without_an_encoding_returns_text(url: str, query: Query) -> None:
    name = f"{url.rpartition('/')[2]}_ascii"
    query(f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    with Database(f"{url}_ascii") as database:
        assert database.run(lambda cursor: cursor.execute("SELECT 'ä'::text").fetchone()) == ("ä",)
