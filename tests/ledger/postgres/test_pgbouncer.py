"""The ledger behind PgBouncer, which gives each transaction another session."""

import pytest

from forkresize.errors import DestinationBusyError
from forkresize.ledger import OutputRecord, open_ledger
from tests.ledger.postgres.conftest import Query
from tests.servers.program import HOST, uses

pytestmark = [*uses("postgresql"), pytest.mark.slow]


@pytest.fixture
def pooled(url: str, pgbouncer_port: int) -> str:
    """The URL of a new database, by PgBouncer."""
    return f"postgresql://test@{HOST}:{pgbouncer_port}/{url.rpartition('/')[2]}"


def record(key: str) -> OutputRecord:
    return OutputRecord(key, "/in", key, 10, 20, None, b"recipe", "written", run=1, size=5, mtime_ns=6)


def test_runs_that_share_sessions_record_and_look_up(pooled: str, query: Query) -> None:
    with open_ledger("s3://a/b", pooled) as one, open_ledger("s3://a/c", pooled) as other:
        for ledger in (one, other):
            ledger.begin_run()
        for turn in range(3):
            for ledger in (one, other):
                ledger.record(record(f"{turn}/{number:04}") for number in range(2000))
                assert len(ledger.get_many([f"{turn}/{number:04}" for number in range(2000)])) == 2000
        assert len(list(one.iter_records("1/"))) == 2000
    assert query("SELECT count(*) FROM forkresize.output") == [(12000,)]


def test_a_destination_is_held_by_one_run_until_it_ends(pooled: str) -> None:
    with open_ledger("s3://a/b", pooled) as one, open_ledger("s3://a/b", pooled) as other:
        one.hold(None, 0, list)
        for _ in range(3):
            with pytest.raises(DestinationBusyError):
                other.hold(None, 0, list)
            one.record([record("a")])
            one.begin_run()
        one.close()
        other.hold(None, 30, list)
