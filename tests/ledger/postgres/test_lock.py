"""One run per destination, or one per shard of it, whichever machines they are on."""

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from forkresize.errors import DestinationBusyError, LedgerError
from forkresize.exit_policy import ExitCode, exit_code_for_error
from forkresize.ledger import OutputRecord, open_ledger
from forkresize.ledger.place import DestinationName
from forkresize.ledger.postgres import Database, DestinationLock, PostgresLedger
from tests.ledger.postgres.conftest import Query
from tests.servers.program import uses

pytestmark = [*uses("postgresql"), pytest.mark.slow]

DEADLINE = 30
HOLDERS = "FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND datname = current_database()"
HERE = DestinationName("s3://a/b", "s3://a/b", "s3://a/b")


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with Database(url) as database:
        yield database


def lock(database: Database, shard: str | None = None, destination: int = 1) -> DestinationLock:
    return DestinationLock(database, destination, shard)


def is_free(database: Database, shard: str | None = None, destination: int = 1) -> bool:
    tried = lock(database, shard, destination)
    try:
        tried.acquire(0, lambda: pytest.fail("it must not wait"))
    except DestinationBusyError:
        return False
    tried.release()
    return True


def test_a_destination_is_held_by_one_run(database: Database) -> None:
    held = lock(database)
    held.acquire(0, list)
    assert not is_free(database)
    assert not is_free(database, "1-of-2")
    assert is_free(database, destination=2)
    held.release()
    held.release()
    assert is_free(database)


def test_each_shard_is_held_by_one_run(database: Database) -> None:
    held = lock(database, "1-of-2")
    held.acquire(0, list)
    assert is_free(database, "2-of-2")
    assert not is_free(database, "1-of-2")
    assert not is_free(database)
    held.release()
    assert is_free(database)


def test_a_run_waits_until_the_other_one_ends(database: Database, url: str) -> None:
    held, waiting = lock(database), threading.Event()
    held.acquire(0, list)

    def release() -> None:
        assert waiting.wait(DEADLINE)
        held.release()

    releasing = threading.Thread(target=release)
    releasing.start()
    with Database(url) as other:
        later = lock(other)
        later.acquire(DEADLINE, waiting.set)
        later.release()
    releasing.join()
    assert waiting.is_set()


def test_a_lock_is_free_as_soon_as_it_is_released(database: Database) -> None:
    # A statement on a connection that exists: a new one would give the server time.
    for _ in range(20):
        held = lock(database)
        held.acquire(0, list)
        held.release()
        assert database.run(lambda cursor: cursor.execute(f"SELECT 1 {HOLDERS}").fetchall()) == []


def test_a_server_that_does_not_answer_is_not_waited_for(
    database: Database, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forkresize.ledger.postgres.database._LONGEST_ROLLBACK", 0.2)
    held = lock(database)
    held.acquire(0, list)
    ((backend,),) = query(f"SELECT pid {HOLDERS}")
    os.kill(backend, signal.SIGSTOP)
    try:
        started = time.monotonic()
        held.release()
        assert time.monotonic() - started < DEADLINE
    finally:
        os.kill(backend, signal.SIGCONT)


def test_a_lock_whose_connection_was_cut_is_released(database: Database, query: Query) -> None:
    held = lock(database)
    held.acquire(0, list)
    cut_locks(query)
    held.release()
    assert is_free(database)


def test_a_lock_whose_connection_was_cut_is_taken_again(database: Database, query: Query) -> None:
    held = lock(database)
    held.acquire(0, list)
    cut_locks(query)
    database.run(lambda _: held.check())
    assert not is_free(database)
    held.release()


def test_a_lock_that_another_run_has_got_since_is_an_error(database: Database, query: Query) -> None:
    held, other = lock(database), lock(database)
    held.acquire(0, list)
    cut_locks(query)
    other.acquire(0, list)
    with pytest.raises(LedgerError, match="another run has begun since"):
        database.run(lambda _: held.check())
    other.release()


def cut_locks(query: Query) -> None:
    """Cut the connections of this database that hold a lock."""
    query(f"SELECT pg_terminate_backend(pid) {HOLDERS}")
    for _ in range(1000):
        if not query(f"SELECT 1 {HOLDERS}"):
            return
        query("SELECT pg_sleep(0.01)")
    pytest.fail("the session did not end")


def test_the_transaction_of_a_lock_keeps_no_old_rows(database: Database, query: Query) -> None:
    held = lock(database)
    held.acquire(0, list)
    states = query(
        "SELECT state, backend_xid, backend_xmin FROM pg_stat_activity JOIN pg_locks USING (pid) "
        "WHERE locktype = 'advisory' AND datname = current_database()"
    )
    assert states == [("idle in transaction", None, None)]
    held.release()


def test_a_ledger_is_held_until_it_is_closed(url: str) -> None:
    first = open_ledger("s3://a/b", url)
    first.hold(None, 0, list)
    with open_ledger("s3://a/c", url) as elsewhere:
        elsewhere.hold(None, 0, list)
    with (
        open_ledger("s3://a/b", url) as second,
        pytest.raises(DestinationBusyError, match="another run that uses the ledger") as caught,
    ):
        second.hold(None, 0, list)
    assert exit_code_for_error(caught.value) == ExitCode.LOCKED
    first.close()
    with open_ledger("s3://a/b", url) as third:
        third.hold("1-of-2", 0, list)


def test_a_run_that_lost_its_lock_to_another_one_writes_nothing_more(url: str, query: Query) -> None:
    record = OutputRecord("a", "/in", "a", 1, 2, None, b"", "written")
    first, other = (PostgresLedger(url, HERE) for _ in range(2))
    first.hold(None, 0, list)
    first.record([record])
    cut_locks(query)
    other.hold(None, 0, list)
    for _ in range(2):
        with pytest.raises(LedgerError, match="another run has begun since"):
            first.flush()
    with pytest.raises(LedgerError, match="another run has begun since"):
        first.close()
    first.close()
    other.close()
    assert query("SELECT count(*) FROM forkresize.output") == [(0,)]
