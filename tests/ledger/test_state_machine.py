"""Any sequence of calls has the same results on SQLite and on PostgreSQL."""

import tempfile
from collections.abc import Callable
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from forkresize.ledger import LedgerStore, OutputRecord, open_ledger
from tests.servers.postgresql import PostgresServer
from tests.servers.program import uses

pytestmark = [*uses("postgresql"), pytest.mark.slow]

KEYS = st.sampled_from(["a", "a/b", "a b", "a-", "b/\udce9", "c\n", "é", "z" * 300])
RECORDS = st.builds(
    OutputRecord,
    key=KEYS,
    root=st.sampled_from(["/in", "/other\udce9", "s3://in"]),
    source=KEYS,
    source_size=st.integers(0, 2**63 - 1),
    source_mtime_ns=st.integers(-(2**70), 2**70),
    source_hash=st.none() | st.binary(max_size=4),
    recipe=st.binary(max_size=4),
    status=st.sampled_from(["written", "skipped", "failed"]),
    reason=st.none() | st.just("not a picture"),
    error=st.sampled_from(["", "é", "broken \udce9"]),
    limit_value=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    signal=st.none() | st.just("SIGSEGV"),
    covers_all=st.integers(0, 1),
    attempts=st.integers(0, 3),
    run=st.integers(0, 2**40),
    size=st.integers(0, 2**63 - 1),
    mtime_ns=st.integers(0, 2**64),
    width=st.none() | st.integers(1, 2**31 - 1),
    height=st.none() | st.integers(1, 2**31 - 1),
    format=st.none() | st.just("jpeg"),
    hash=st.none() | st.binary(max_size=4),
    source_etag=st.none() | st.just('"s"'),
    source_version=st.none() | st.just("w"),
    etag=st.none() | st.just('"e"'),
    version=st.none() | st.just("v"),
)


class Ledgers(RuleBasedStateMachine):
    """The same calls on both."""

    urls: ClassVar[tuple[str, ...]] = ()
    number: ClassVar[int] = 0

    @initialize()
    def choose(self) -> None:
        Ledgers.number += 1
        self.destination = f"s3://bucket/{Ledgers.number}"
        self.ledgers = self.opened()

    def opened(self) -> list[LedgerStore]:
        return [open_ledger(self.destination, url) for url in self.urls]

    def each(self, call: Callable[[LedgerStore], object]) -> None:
        for ledger in self.ledgers:
            call(ledger)

    def same(self, call: Callable[[LedgerStore], object]) -> None:
        one, other = map(call, self.ledgers)
        assert one == other

    @rule(records=st.lists(RECORDS, max_size=4))
    def record(self, records: list[OutputRecord]) -> None:
        self.each(lambda ledger: ledger.record(records))

    @rule(keys=st.lists(KEYS, max_size=3))
    def forget(self, keys: list[str]) -> None:
        self.each(lambda ledger: ledger.forget(keys))

    @rule(key=KEYS)
    def get(self, key: str) -> None:
        # Those that wait to be written are as they were given.
        self.each(lambda ledger: ledger.forget([]))
        self.same(lambda ledger: ledger.get(key))

    @rule(keys=st.lists(KEYS, max_size=5))
    def look_up(self, keys: list[str]) -> None:
        self.each(lambda ledger: ledger.forget([]))
        self.same(lambda ledger: ledger.get_many(keys))
        self.each(lambda ledger: ledger.prefetch(keys))
        self.same(lambda ledger: [ledger.get(key) for key in keys])

    @rule(prefix=st.just("") | KEYS, after=st.just("") | KEYS)
    def iterate(self, prefix: str, after: str) -> None:
        self.same(lambda ledger: list(ledger.iter_records(prefix, after)))

    @rule(ends=st.booleans())
    def reopen(self, *, ends: bool) -> None:
        self.each((lambda ledger: ledger.close()) if ends else kill)
        self.ledgers = self.opened()

    @rule()
    def begin_run(self) -> None:
        self.each(lambda ledger: ledger.begin_run())

    @invariant()
    def same_interrupted_runs(self) -> None:
        self.same(lambda ledger: len(ledger.interrupted_runs()))

    def teardown(self) -> None:
        self.each(lambda ledger: ledger.close())


def kill(ledger: LedgerStore) -> None:
    """Write the records and leave the run without an end, as a process does that is killed."""
    ledger.join_run(ledger.run)
    ledger.close()


def test_sqlite_and_postgresql_behave_alike(postgresql: PostgresServer) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Ledgers.urls = f"sqlite://{folder}/ledger.db", postgresql.new_database()
        some = settings(max_examples=20, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck))
        run_state_machine_as_test(Ledgers, settings=some)
