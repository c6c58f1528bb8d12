"""The executor of a cluster: nodes work on the jobs, in chunks, and this process follows them."""

import time
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Self

from forkresize.batch.executor import NodeResult, OnTick, RecordingExecutor
from forkresize.cluster.client.attendance import Attendance
from forkresize.cluster.client.connection import Connection, Request
from forkresize.cluster.client.documents import RunDocuments
from forkresize.cluster.client.follower import Follower
from forkresize.cluster.client.leftovers import remove_leftovers
from forkresize.cluster.client.submission import Submission
from forkresize.cluster.client.takeover import cancel_after_error, end_earlier_runs
from forkresize.cluster.database.values import RunState
from forkresize.errors import StopRequested
from forkresize.job import Job
from forkresize.observer import NodeActivity
from forkresize.pool import NothingYet
from forkresize.pool.signals import StopSignals
from forkresize.summary import ExecutorStats

_INTERVAL = 0.25
"""Seconds between two looks at the run."""

_LINGER = 2.0
"""Seconds after which jobs are published although their chunk is small."""

_THREADS = 8
"""Threads that write manifests and read outcomes."""


class ClusterExecutor(RecordingExecutor):
    """Publishes jobs in chunks, and yields their results when nodes have finished their chunks. See ``Executor``.

    The first stop signal cancels what no node has started; what nodes have is finished. The second ends ``run``, and
    the nodes finish without this process. The third raises StopRequested. If this is left by another exception, what no
    node has started is cancelled, too.

    Args:
        connection: the cluster.
        request: what is asked of it.
        on_tick: called several times per second with what each node does.
    """

    def __init__(self, connection: Connection, request: Request, on_tick: OnTick | None = None) -> None:
        self.number = 0
        """Number of the run; 0 before ``begin``."""
        self._connection = connection
        self._database = connection.database
        self._request = request
        self._on_tick = on_tick
        self._attendance = Attendance(connection)
        self._signals = StopSignals(self.stop)
        self._signals.on_force = self._leave
        self._stopping = self._leaving = self._cancelled = False
        self._is_stop_mentioned = False
        self._is_owner = False  # Whether a run began here that has not ended, and that no other process follows.
        self._end_at = None if request.stop_after is None else time.monotonic() + request.stop_after
        self._turn_at = self._flushed_at = 0.0
        self._busy_seconds = 0.0
        self._lost = 0

    def __enter__(self) -> Self:
        self._signals.__enter__()
        self._database.watch(self._stop_waiting)
        return self

    def __exit__(self, _: object, error: BaseException | None, *__: object) -> None:
        try:
            if error is not None and self._is_owner and not self._leaving:
                cancel_after_error(self._connection, self.number)
        finally:
            self._signals.__exit__()

    def begin(self, run: int) -> None:
        """Record outputs for a run of the ledger."""
        self.number = run

    def run(self, jobs: Iterable[Job | NothingYet]) -> Iterator[NodeResult]:
        """Yield a result for each job that a node has done. Jobs of a detached run have none.

        Raises:
            RunActiveError: a detached run is at work on the destination.
            DestinationError: a manifest cannot be written or read.
            LedgerError: the database cannot be used.
        """
        end_earlier_runs(self._connection, self._request, self._wait_or_stop)
        request = self._request
        self._database.runs.create(self.number, request.spec, request.owner, request.traceparent)
        self._is_owner = True
        yield from self._submit_and_follow(jobs)
        self._is_owner = False

    def follow(self) -> Iterator[NodeResult]:
        """Yield the results of a run that was published before; see ``run``."""
        with ThreadPoolExecutor(_THREADS) as threads:
            yield from self._follow(self._follower(self._documents(), threads))

    def stop(self) -> None:
        """Cancel what no node has started."""
        self._stopping = True

    @property
    def stopping(self) -> bool:
        """Whether no more jobs are started."""
        return self._stopping

    @property
    def interrupted(self) -> int | None:
        """Number of the first stop signal; None if there was none."""
        return self._signals.first

    @property
    def stats(self) -> ExecutorStats:
        """The workers of all nodes, and the time that they took so far."""
        return ExecutorStats(workers=self._attendance.workers, workers_lost=self._lost, busy_seconds=self._busy_seconds)

    def _submit_and_follow(self, jobs: Iterable[Job | NothingYet]) -> Iterator[NodeResult]:
        with ThreadPoolExecutor(_THREADS) as threads:
            documents = self._documents()
            record = partial(self._database.runs.add_chunks, self.number)
            submission = Submission(documents.write, record, threads)
            follower = self._follower(documents, threads)
            yield from self._submit(jobs, submission, follower)
            if self._request.detach and not self._stopping:
                self._database.runs.detach(self.number)
                self._is_owner = False
                self._attendance.attend()
            else:
                yield from self._follow(follower)

    def _submit(
        self, jobs: Iterable[Job | NothingYet], submission: Submission, follower: Follower
    ) -> Iterator[NodeResult]:
        self._flushed_at = time.monotonic()
        for job in jobs:
            if self._stopping:
                break
            if isinstance(job, Job):
                submission.add(job)
            else:
                self._wait(job.descriptor)
            if time.monotonic() >= self._turn_at:
                self._flush_if_due(submission)
                yield from self._take_turn(follower)
        if not self._stopping:
            submission.flush()
        self._database.runs.close(self.number)

    def _flush_if_due(self, submission: Submission) -> None:
        if time.monotonic() - self._flushed_at >= _LINGER:
            submission.flush()
            self._flushed_at = time.monotonic()

    def _follow(self, follower: Follower) -> Iterator[NodeResult]:
        while True:
            activities = yield from self._take_turn(follower)
            if self._leaving:
                return
            if not activities and follower.is_finished:
                break
            self._wait()
        progress = self._database.runs.progress(self.number)
        self._lost = 0 if progress is None else progress.lost
        self._database.runs.end(self.number, RunState.CANCELLED if self._cancelled else RunState.DONE)
        self._documents().remove()
        if self._lost:
            remove_leftovers(self._database, self._request.store)

    def _take_turn(self, follower: Follower) -> Generator[NodeResult, None, list[NodeActivity]]:
        """Look at the run once, and yield new results; return what the nodes do."""
        if self._end_at is not None and time.monotonic() >= self._end_at:
            self.stop()
        if self._stopping and not self._cancelled:
            self._database.runs.cancel(self.number)
            self._cancelled = True
        self._attendance.attend(self.number, self._request.spec.queue)
        for result in follower.poll():
            self._busy_seconds += result.seconds
            yield result
            if self._leaving:
                break
        activities = follower.activities()
        if self._on_tick is not None:
            self._on_tick(activities)
        self._turn_at = time.monotonic() + _INTERVAL
        return activities

    def _documents(self) -> RunDocuments:
        request = self._request
        return RunDocuments(
            request.store, self.number, request.spec.digest, self._connection.secret, request.find_replaced
        )

    def _follower(self, documents: RunDocuments, threads: ThreadPoolExecutor) -> Follower:
        return Follower(self._database.runs, self.number, documents.read, threads)

    def _wait(self, descriptor: int | None = None) -> None:
        self._signals.wait(_INTERVAL, descriptor)
        self._signals.clear()

    def _wait_or_stop(self) -> None:
        self._wait()
        if self._signals.first is not None:
            raise StopRequested(self._signals.first)

    def _stop_waiting(self) -> None:
        """While the database is away: the first signal has no effect yet, and the second ends the wait."""
        if self._leaving:
            raise StopRequested(self._signals.first or 0)
        if self._signals.first is not None and not self._is_stop_mentioned:
            self._is_stop_mentioned = True
            self._connection.notify("nothing is cancelled before the database is back; interrupt again to leave")

    def _leave(self) -> None:
        if self._leaving:
            raise StopRequested(self._signals.first or 0)
        self._leaving = True
