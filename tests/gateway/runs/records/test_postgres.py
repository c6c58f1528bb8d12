"""The records of runs in PostgreSQL, which several gateways use at the same time."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import psycopg
import pytest

from forkresize.gateway.runs.records import records as records_module
from forkresize.gateway.runs.records.postgres import open_postgres
from forkresize.gateway.runs.records.recording import add_state
from forkresize.gateway.runs.records.values import Limits
from tests.gateway.runs.records.test_records import new_run
from tests.servers.program import uses

pytestmark = uses("postgresql")

DEADLINE = 20.0

_WAITING = """
SELECT count(*) FROM pg_locks
WHERE locktype = 'advisory' AND NOT granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def test_two_gateways_that_claim_at_once_do_not_share_a_destination(
    postgresql: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgresql.new_database()
    has_claimed, may_commit = threading.Event(), threading.Event()

    def pause(*arguments: Any) -> None:
        add_state(*arguments)
        has_claimed.set()
        assert may_commit.wait(DEADLINE)

    with (
        closing(open_postgres(url, Limits())) as one,
        closing(open_postgres(url, Limits())) as two,
        psycopg.connect(url, autocommit=True) as watcher,
        ThreadPoolExecutor() as threads,
    ):
        first, second = (one.submit(new_run("/out")) for _ in range(2))
        monkeypatch.setattr(records_module, "add_state", pause)
        winner = threads.submit(one.claim, "one", 60.0)
        assert has_claimed.wait(DEADLINE)
        monkeypatch.setattr(records_module, "add_state", add_state)
        loser = threads.submit(two.claim, "two", 60.0)
        wait_until(lambda: loser.done() or watcher.execute(_WAITING).fetchone() == (1,))
        may_commit.set()
        claim = winner.result(DEADLINE)
        assert claim is not None
        assert claim.id == first.id
        assert loser.result(DEADLINE) is None
        assert one.get(second.id).state == "queued"


def wait_until(is_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.01)
