"""Works on jobs whose bytes come from and go to stores: TransferExecutor."""

import contextlib
import os
import select
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from forkresize.batch.executor import ENDED, JobResult, OnTick
from forkresize.batch.remote.renderer import PackedRecipe, Renderer
from forkresize.batch.remote.stages import Endpoints, Stages
from forkresize.batch.remote.transfer import Transfer
from forkresize.job import Job
from forkresize.outcome import Failed, Reason
from forkresize.pool import Activity, NothingYet
from forkresize.pool.signals import StopSignals
from forkresize.summary import ExecutorStats

__all__ = ["Endpoints", "TransferExecutor", "TransferOptions"]

_TICK = 0.1
"""Seconds between two calls of ``on_tick``, and between two looks at the clock."""


class TransferOptions(Struct, frozen=True, kw_only=True):
    """How pictures are transferred.

    Attributes:
        memory: bytes of sources and outputs that this process holds at most; a picture that is larger is alone.
        connections: how many objects are fetched at the same time, and how many are put.
        ahead: how many pictures are under way at most; None for enough to keep workers and connections busy.
        stop_after: seconds after which no further picture is begun; None for no limit.
    """

    memory: int = 256_000_000
    connections: int = 32
    ahead: int | None = None
    stop_after: float | None = None


class TransferExecutor:
    """Works on jobs: fetches sources, has them rendered, and puts the outputs, all at the same time. See ``Executor``.

    A result means that the outputs are in their places, or why they are not. This process neither decodes nor forks.
    The first stop signal drops the pictures that no worker has, and lets the others finish; the second one abandons
    them as well.

    Args:
        renderer: renders the pictures. It may serve other executors, too; a second stop signal terminates it.
        recipe: what to make of every picture.
        endpoints: where the pictures come from and go to.
        options: how they are transferred.
        on_tick: called ten times per second while jobs run.
    """

    def __init__(
        self,
        renderer: Renderer,
        recipe: PackedRecipe,
        endpoints: Endpoints,
        options: TransferOptions | None = None,
        on_tick: OnTick | None = None,
    ) -> None:
        self.placed = endpoints.placed
        self._renderer = renderer
        self._options = options or TransferOptions()
        self._ahead = self._options.ahead or 2 * (renderer.workers + self._options.connections)
        self._stages = Stages(renderer, recipe, endpoints, self._options.connections, self._wake)
        self._on_tick = on_tick
        self._busy_seconds = 0.0
        self._upcoming: Iterator[Job | NothingYet] | None = None
        self._stop_at: float | None = None
        self._last_tick = 0.0
        self._stopping = self._aborted = self._dropped = False
        self._signals = StopSignals(self.stop)
        self._signals.on_force = self.abort
        self._wake_lock = threading.Lock()
        self._wake_ends: tuple[int, int] | None = None

    def __enter__(self) -> Self:
        self._wake_ends = os.pipe()
        for end in self._wake_ends:
            os.set_blocking(end, False)
        self._signals.__enter__()
        limit = self._options.stop_after
        self._stop_at = None if limit is None else time.monotonic() + limit
        return self

    def __exit__(self, *_: object) -> None:
        self._signals.__exit__()
        self._stages.abandon()
        self._stages.close()
        with self._wake_lock:
            ends, self._wake_ends = self._wake_ends, None
        for end in ends or ():
            os.close(end)

    def run(self, jobs: Iterable[Job | NothingYet]) -> Iterator[JobResult]:
        """Yield one result for each job that is started, as they come."""
        self._upcoming = iter(jobs)
        while True:
            waiting = self._begin_jobs()
            if self.stopping:
                self._stop_begun()
            if self._aborted:
                yield from map(_give_up, self._abandon())
                return
            taken = self._stages.take()
            yield from self._results(taken)
            if self._is_over():
                return
            if not taken and (waiting is not None or not self._has_room()):
                self._wait(waiting)
            self._tick()

    def stop(self) -> None:
        """Start no more jobs, and drop those that no worker has."""
        self._stopping = True

    def abort(self) -> None:
        """Abandon all jobs, and terminate the renderer."""
        self._stopping = self._aborted = True

    @property
    def stopping(self) -> bool:
        """Whether no more jobs are started."""
        is_late = self._stop_at is not None and time.monotonic() > self._stop_at
        return self._stopping or is_late

    @property
    def interrupted(self) -> int | None:
        """Number of the first stop signal; None if there was none."""
        return self._signals.first

    @property
    def stats(self) -> ExecutorStats:
        """The workers, and the time that they took for these jobs."""
        return replace(self._renderer.stats, busy_seconds=self._busy_seconds)

    def _begin_jobs(self) -> NothingYet | None:
        """Begin as many jobs as there is room for; return what comes instead of the next one, if there is none yet."""
        while self._has_room() and self._upcoming is not None:
            job = next(self._upcoming, None)
            if isinstance(job, NothingYet):
                return job
            if job is None:
                self._upcoming = None
            else:
                self._stages.begin(Transfer(job))
        return None

    def _is_over(self) -> bool:
        return self._upcoming is None and not self._stages.count

    def _has_room(self) -> bool:
        if self._upcoming is None or self.stopping or self._stages.count >= self._ahead:
            return False
        return not self._stages.count or self._stages.size < self._options.memory

    def _results(self, taken: list[Transfer]) -> Iterator[JobResult]:
        for transfer in taken:
            if transfer.error is not None:
                if self._aborted:
                    yield _give_up(transfer)
                    continue
                raise transfer.error
            if transfer.result is None:
                continue  # It was dropped.
            self._busy_seconds += transfer.result.seconds
            self.placed.update(transfer.placed)
            yield transfer.result

    def _stop_begun(self) -> None:
        """Begin no more jobs, and drop those that no worker has."""
        self._upcoming = None
        if not self._dropped:
            self._dropped = True
            self._stages.drop_waiting()

    def _abandon(self) -> list[Transfer]:
        left = self._stages.abandon()
        self._renderer.terminate()
        return left

    def _wake(self) -> None:
        """Make the wait end; called by any thread."""
        with self._wake_lock, contextlib.suppress(BlockingIOError):  # The pipe is full of such calls.
            if self._wake_ends is not None:
                os.write(self._wake_ends[1], b"w")

    def _wait(self, waiting: NothingYet | None) -> None:
        """Wait until a picture is done or has freed memory, there may be another job, a signal came, or for a tick."""
        assert self._wake_ends is not None  # noqa: S101  It was entered.
        reader = self._wake_ends[0]
        poll = select.poll()
        for descriptor in (reader, self._signals.fileno(), None if waiting is None else waiting.descriptor):
            if descriptor is not None:
                poll.register(descriptor, select.POLLIN)
        for descriptor, _ in poll.poll(_TICK * 1000):
            if descriptor == reader:
                os.read(reader, 1 << 16)
            elif descriptor == self._signals.fileno():
                self._signals.clear()

    def _tick(self) -> None:
        now = time.monotonic()
        if self._on_tick is None or now - self._last_tick < _TICK:
            return
        self._last_tick = now
        running = self._stages.rendering()[: self._renderer.workers]
        idle = self._renderer.workers - len(running)
        self._on_tick(
            [Activity(worker=n, item=each.job, seconds=now - each.render_started) for n, each in enumerate(running, 1)]
            + [Activity(worker=len(running) + n, item=None, seconds=0.0) for n in range(1, idle + 1)]
        )


def _give_up(transfer: Transfer) -> JobResult:
    if transfer.result is None:
        transfer.fail(Failed(Reason.INTERRUPTED, ENDED))
    assert transfer.result is not None  # noqa: S101
    return transfer.result
