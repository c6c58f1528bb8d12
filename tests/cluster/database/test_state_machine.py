"""Any order of what clients, nodes and brokers do: every picture has exactly one outcome, and no chunk is lost."""

import math
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from forkresize.cluster.database import ClusterDatabase
from forkresize.cluster.database.values import ChunkState, Handling, Lease, NewChunk, Result, RunState
from forkresize.cluster.spec import RunSpec
from forkresize.errors import UsageError
from tests.servers.postgresql import PostgresServer
from tests.servers.program import uses

pytestmark = [pytest.mark.slow, *uses("postgresql")]

SPEC = RunSpec(sources=["s3://photos/in"], destination="s3://web/out", recipe="{}")
_CHUNKS = """
SELECT number, manifest, first, count, state, handling, sequence, node, outbox.chunk IS NOT NULL AS queued
FROM forkresize.chunk LEFT JOIN forkresize.outbox ON outbox.run = chunk.run AND outbox.chunk = chunk.number
WHERE chunk.run = %s ORDER BY manifest, first
"""
SHARES = st.floats(0, 1)


class Cluster(RuleBasedStateMachine):
    """A run, as many nodes and one client use it. The broker may lose and repeat messages."""

    connection: "psycopg.Connection[Any]"
    database: ClusterDatabase
    last_run = 0

    leases: Bundle[Lease] = Bundle("leases")
    stale: Bundle[Lease] = Bundle("stale")

    @initialize(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=2))
    def begin(self, sizes: list[int]) -> None:
        Cluster.last_run += 1
        self.run_number = Cluster.last_run
        self.sizes: dict[str, int] = {}
        self.outcomes: dict[tuple[str, int], int] = {}
        self.messages: list[int] = []
        self.held: set[Lease] = set()
        self.cancelled = False
        self.database.runs.create(self.run_number, SPEC)
        self.add(sizes)

    @precondition(lambda self: len(self.sizes) < 3)
    @rule(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=2))
    def add(self, sizes: list[int]) -> None:
        first = len(self.sizes) + 1
        chunks = [NewChunk(first + index, f"m{first + index}", 0, size, 10 * size) for index, size in enumerate(sizes)]
        if self.cancelled:
            with pytest.raises(UsageError, match="accepts no more chunks: it was cancelled"):
                self.database.runs.add_chunks(self.run_number, chunks)
            return
        # A second attempt adds nothing.
        for _ in range(2):
            self.database.runs.add_chunks(self.run_number, chunks)
        self.sizes.update({chunk.manifest: chunk.count for chunk in chunks})

    @precondition(lambda self: not self.messages)
    @rule(limit=st.integers(1, 5), lost=st.booleans())
    def publish(self, limit: int, lost: bool) -> None:
        messages = self.published(limit)
        if lost:
            self.database.outbox.republish("batch", older_than=0)
        else:
            self.messages += messages

    @rule(
        target=leases, data=st.data(), node=st.sampled_from("abc"), again=st.sampled_from([False, False, False, True])
    )
    def take(self, data: Any, node: str, again: bool) -> Any:
        self.messages += self.published(100)
        if not self.messages:
            return multiple()
        number = data.draw(st.sampled_from(sorted(set(self.messages))))
        if not again:
            self.messages.remove(number)
        before = {row["number"]: row for row in self.rows()}[number]
        lease = self.database.chunks.take(self.run_number, number, node, redelivered=again)
        assert (lease is not None) == (before["state"] == "pending")
        if lease is None:
            return multiple()
        self.held.add(lease)
        return lease

    @rule(lease=leases, made=st.integers(0, 9))
    def renew(self, lease: Lease, made: int) -> None:
        assert self.database.chunks.renew(lease, min(made, lease.count)) == (lease in self.held)

    @rule(lease=leases, share=SHARES)
    def mark(self, lease: Lease, share: float) -> None:
        if lease.handling is Handling.SINGLE:
            index = lease.first + int(share * (lease.count - 1))
            assert self.database.chunks.mark(lease, index) == (lease in self.held)

    @rule(lease=consumes(leases), share=SHARES)
    def finish(self, lease: Lease, share: float) -> None:
        made = max(1, round(share * lease.count))
        is_held = lease in self.held
        assert self.database.chunks.finish(lease, Result(made=made, outcomes="o", counts={"written": made})) == is_held
        if is_held:
            self.held.remove(lease)
            for index in range(lease.first, lease.first + made):
                key = lease.manifest, index
                self.outcomes[key] = self.outcomes.get(key, 0) + 1

    @rule(lease=consumes(leases))
    def give_back(self, lease: Lease) -> None:
        assert self.database.chunks.give_back(lease) == (lease in self.held)
        self.held.discard(lease)

    @precondition(lambda self: self.held)
    @rule(share=SHARES)
    def let_leases_run_out(self, share: float) -> None:
        lost = sorted(self.held, key=lambda lease: lease.number)[: math.ceil(share * len(self.held))]
        self.connection.execute(
            "UPDATE forkresize.chunk SET lease_until = now() - interval '1 s' WHERE token = ANY(%s)",
            ([lease.token for lease in lost],),
        )
        assert self.database.chunks.expire() == len(lost)
        self.held.difference_update(lost)

    @precondition(lambda self: len(self.outcomes) > 3)
    @rule(is_sure=st.sampled_from([False, False, True]))
    def cancel(self, is_sure: bool) -> None:
        if is_sure:
            self.database.runs.cancel(self.run_number)
            self.cancelled = True

    def published(self, limit: int) -> list[int]:
        """Publish messages; return the chunks of this run."""
        messages: list[tuple[int, int]] = []
        self.database.outbox.relay(lambda run, chunk, *_: messages.append((run, chunk)), limit)
        return [chunk for run, chunk in messages if run == self.run_number]

    def rows(self) -> list[dict[str, Any]]:
        cursor = self.connection.execute(_CHUNKS, (self.run_number,))
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    @invariant()
    def every_picture_belongs_to_exactly_one_chunk(self) -> None:
        pictures = [
            (row["manifest"], index)
            for row in self.rows()
            if row["state"] != "split"
            for index in range(row["first"], row["first"] + row["count"])
        ]
        assert pictures == [(name, index) for name in sorted(self.sizes) for index in range(self.sizes[name])]

    @invariant()
    def no_picture_has_two_outcomes(self) -> None:
        assert set(self.outcomes.values()) <= {1}

    @invariant()
    def a_chunk_that_is_done_has_outcomes_and_the_next_number(self) -> None:
        done = [row for row in self.rows() if row["state"] == "done"]
        assert sorted(row["sequence"] for row in done) == list(range(1, len(done) + 1))
        assert sum(row["count"] for row in done) == len(self.outcomes)
        finished = self.database.runs.finished_chunks(self.run_number)
        assert [each.sequence for each in finished] == list(range(1, len(done) + 1))

    @invariant()
    def progress_counts_what_is_there(self) -> None:
        progress = self.database.runs.progress(self.run_number)
        assert progress is not None
        assert progress.pictures == sum(self.sizes.values())
        assert progress.counts.get("written", 0) == len(self.outcomes)
        assert progress.chunks.get(ChunkState.LEASED, 0) == len(self.held)

    @invariant()
    def after_a_cancellation_no_chunk_is_pending(self) -> None:
        if self.cancelled:
            assert all(row["state"] != "pending" and not row["queued"] for row in self.rows())

    def teardown(self) -> None:
        """Work until nothing is left: no chunk is lost, although messages were."""
        if not hasattr(self, "run_number"):
            return
        for lease in self.held:
            assert self.database.chunks.give_back(lease)
        self.database.runs.close(self.run_number)
        for _ in range(5):
            self.database.outbox.republish("batch", older_than=0)
            for number in self.published(100):
                if last := self.database.chunks.take(self.run_number, number, "last"):
                    self.held = {last}
                    self.finish(last, 1.0)
        progress = self.database.runs.progress(self.run_number)
        assert progress is not None
        assert progress.is_finished
        assert progress.pictures_done == progress.pictures
        if not self.cancelled:
            assert len(self.outcomes) == progress.pictures
        self.database.runs.end(self.run_number, RunState.DONE)


def test_every_picture_has_one_outcome_in_any_order_of_events(postgresql: PostgresServer) -> None:
    url = postgresql.new_database()
    with ClusterDatabase(url) as database, psycopg.connect(url, autocommit=True) as connection:
        database.migrate()
        Cluster.connection, Cluster.database = connection, database
        checks = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
        run_state_machine_as_test(
            Cluster,
            settings=settings(max_examples=20, stateful_step_count=40, deadline=None, suppress_health_check=checks),
        )
