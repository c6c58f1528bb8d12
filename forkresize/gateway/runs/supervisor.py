"""What does the runs that wait: takes them in turn, starts a process for each, and records what it writes."""

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import ParamSpec, TypeVar

from msgspec import Struct

from forkresize.errors import LedgerError, UsageError
from forkresize.exit_policy import SIGNAL_BASE, ExitCode
from forkresize.gateway.access_log import log_run
from forkresize.gateway.runs.messages import INTERNAL_ERROR, BatchOrder, Ended, Message
from forkresize.gateway.runs.process import BatchProcess
from forkresize.gateway.runs.records.records import RunRecords
from forkresize.gateway.runs.records.values import Claim
from forkresize.gateway.runs.run import RunState
from forkresize.gateway.threads import Threads

P = ParamSpec("P")
T = TypeVar("T")

_LOG = logging.getLogger("forkresize.gateway.runs")

_POLL = 1.0
"""Seconds between two looks for runs that wait, and for those that were cancelled through another gateway."""

_PURGE_EVERY = 3600.0

_MAX_CRASHES = 3
"""Processes of a run that end without a result, before it has failed."""

GATEWAY_ENDED = "the gateway ended; the same request continues the run"


_STOPPED = "the process of the run was asked to stop; the same request continues the run"


class Policy(Struct, frozen=True, kw_only=True):
    """How runs are done.

    Attributes:
        slots: how many at the same time.
        lease: seconds after which another gateway takes the runs of one that is silent.
        continues: whether a run is continued, by this or another gateway, when its process or its gateway has ended.
        grace: seconds that batches have to finish their pictures when the gateway ends.
        make_order: returns what a process has to do for a run.
    """

    slots: int
    lease: float
    continues: bool
    make_order: Callable[[Claim], BatchOrder]
    grace: float = 30.0


class Supervisor:
    """Does the runs that wait.

    Args:
        policy: how.
        records: of the runs.
        thread: of the records.
        notify: is called with the identifier of a run that has new events.
    """

    def __init__(
        self,
        policy: Policy,
        records: RunRecords,
        thread: Threads,
        notify: Callable[[str], object],
    ) -> None:
        self._policy = policy
        self._records = records
        self._call = thread.call
        self._notify = notify
        self._owner = secrets.token_hex(8)
        self._work = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._processes: dict[str, tuple[BatchProcess, int]] = {}
        self._loops: list[asyncio.Task[None]] = []
        self._is_ending = False
        self.ended: Counter[RunState] = Counter()
        """How many runs have ended here, by state."""

    def start(self) -> None:
        """Begin to do runs."""
        jobs = (
            (self._take_runs, self._wait_for_work),
            (self._renew, partial(asyncio.sleep, min(_POLL, self._policy.lease / 3))),
            (self._purge, partial(asyncio.sleep, _PURGE_EVERY)),
        )
        self._loops = [asyncio.create_task(self._repeat(job, wait)) for job, wait in jobs]

    @property
    def running(self) -> int:
        """How many runs are done at the moment."""
        return len(self._processes)

    def wake(self) -> None:
        """Look for runs at once."""
        self._work.set()

    def cancel(self, run: str) -> None:
        """End a run soon, if this gateway does it."""
        if run in self._processes:
            self._processes[run][0].cancel()

    async def close(self) -> None:
        """Leave the runs to the next gateway, or let their pictures in progress finish and interrupt them."""
        self._is_ending = True
        for loop in self._loops:
            loop.cancel()
        for process, _ in self._processes.values():
            process.leave()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks.values(), timeout=self._policy.grace)
            for process, _ in self._processes.values():
                process.kill()
            if late:
                await asyncio.wait(late)
        if self._policy.continues:
            await self._try(self._records.release, self._owner)

    async def _repeat(self, job: Callable[[], Awaitable[None]], wait: Callable[[], Awaitable[object]]) -> None:
        while True:
            try:
                await job()
            except LedgerError as error:
                _LOG.warning("runs wait: %s", error)
            except Exception:  # noqa: BLE001 -- a bug must not stop the runs that come later.
                _LOG.exception("the supervisor of runs failed")
            await wait()

    async def _wait_for_work(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._work.wait(), _POLL)
        self._work.clear()

    async def _take_runs(self) -> None:
        while len(self._tasks) < self._policy.slots and not self._is_ending:
            claim = await self._call(self._records.claim, self._owner, self._policy.lease)
            if claim is None:
                return
            self._notify(claim.id)
            log_run("run started", claim.id, {"attempt": claim.attempt})
            task = self._tasks[claim.id] = asyncio.create_task(self._do_and_notify(claim))
            task.add_done_callback(partial(self._forget, claim.id))

    def _forget(self, run: str, task: asyncio.Task[None]) -> None:
        del self._tasks[run]
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOG.error("run %s: %r", run, error, exc_info=error)
        self.wake()

    async def _renew(self) -> None:
        """Hold the runs, and look which of them were cancelled. A run that another gateway took is left to it."""
        if not self._processes:
            return
        before = dict(self._processes)
        held = await self._call(self._records.renew, self._owner, self._policy.lease)
        for run, (process, attempt) in before.items():
            lease = held.get(run)
            if run not in self._processes:
                continue
            if lease is None or lease.attempt != attempt:
                _LOG.warning("run %s: another gateway has it, or it has ended", run)
                process.kill()
            elif lease.cancelled:
                process.cancel()

    async def _purge(self) -> None:
        await self._call(self._records.purge)

    async def _do_and_notify(self, claim: Claim) -> None:
        try:
            await self._do(claim)
        except LedgerError:
            raise
        except Exception:
            # Otherwise, it would hold its destination for as long as the gateway lives.
            await self._finish(claim, RunState.FAILED, None, INTERNAL_ERROR)
            raise
        finally:
            self._notify(claim.id)

    async def _do(self, claim: Claim) -> None:
        """Do a run, from the start of its process to the record of its end."""
        try:
            process = await BatchProcess.start(claim.id, await self._call(self._policy.make_order, claim))
        except (OSError, UsageError) as error:
            await self._finish(claim, RunState.FAILED, None, f"it cannot be started: {error}")
            return
        self._processes[claim.id] = process, claim.attempt
        try:
            if self._is_ending:
                process.leave()
            elif claim.cancelled and not self._policy.continues:
                process.cancel()
            ended = await self._record(claim, process)
            how = await process.wait()
        finally:
            process.kill()
            del self._processes[claim.id]
        await self._conclude(claim, ended, how)

    async def _record(self, claim: Claim, process: BatchProcess) -> Ended | None:
        """Record what the process writes, until it has ended; return its last message."""
        number, ended = 0, None
        try:
            async for messages in process.messages():
                ended = next((each for each in messages if isinstance(each, Ended)), ended)
                number += 1
                others: list[Message] = [each for each in messages if not isinstance(each, Ended)]
                if others and not await self._insist(self._records.record, claim.id, claim.attempt, number, others):
                    process.kill()
                self._notify(claim.id)
        except ValueError as error:
            _LOG.error("run %s: its process wrote an invalid message: %s", claim.id, error)
            process.kill()
        return ended

    async def _conclude(self, claim: Claim, ended: Ended | None, how: str) -> None:
        """Record how a run has ended, unless it goes on."""
        if ended is not None:
            state, error = self._judge(ended)
            await self._finish(claim, state, ended.exit_code, error)
        elif self._is_ending and self._policy.continues:
            return
        elif self._is_ending:
            await self._finish(claim, RunState.INTERRUPTED, None, GATEWAY_ENDED)
        else:
            _LOG.error("run %s: its process %s", claim.id, how)
            crashes = await self._insist(self._records.crash, claim)
            if not self._policy.continues or crashes >= _MAX_CRASHES:
                await self._finish(claim, RunState.FAILED, None, f"the process of the run {how}")

    async def _finish(self, claim: Claim, state: RunState, exit_code: int | None, error: str) -> None:
        found = await self._insist(self._records.finish, claim, state, exit_code, error)
        if found is not None:
            self.ended[found] += 1
            log_run("run ended", claim.id, {"state": found.value, "exit_code": exit_code, "error": error})

    def _judge(self, ended: Ended) -> tuple[RunState, str]:
        if ended.exit_code == ExitCode.OK:
            return RunState.SUCCEEDED, ""
        if ended.exit_code == ExitCode.STOPPED or ended.exit_code >= SIGNAL_BASE:
            return RunState.INTERRUPTED, GATEWAY_ENDED if self._is_ending else ended.error or _STOPPED
        return RunState.FAILED, ended.error

    async def _insist(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function in the thread of the records until it succeeds: the process of the run waits."""
        while True:
            try:
                return await self._call(function, *args, **kwargs)
            except LedgerError as error:
                if self._is_ending:
                    raise
                _LOG.warning("a run waits: %s", error)
                await asyncio.sleep(_POLL)

    async def _try(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            await self._call(function, *args, **kwargs)
        except LedgerError as error:
            _LOG.warning("%s", error)
