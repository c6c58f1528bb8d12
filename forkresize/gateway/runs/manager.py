"""The runs of a gateway, and what does them: RunManager."""

import os
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager

from forkresize.gateway.observation import current_traceparent
from forkresize.gateway.runs.errors import KeyInUseError, NoSuchRunError
from forkresize.gateway.runs.feed import Feed, Feeds
from forkresize.gateway.runs.messages import BatchOrder, ClusterAccess
from forkresize.gateway.runs.queries import Caller, FailuresQuery, RunsQuery
from forkresize.gateway.runs.records.records import RunRecords
from forkresize.gateway.runs.records.values import Claim, Limits, NewRun
from forkresize.gateway.runs.request import RunRequest, decode_request, find_recipe
from forkresize.gateway.runs.run import Event, Failure, Run, RunState, is_id, new_id
from forkresize.gateway.runs.settings import RunsSettings
from forkresize.gateway.runs.supervisor import GATEWAY_ENDED, Policy, Supervisor
from forkresize.gateway.threads import Threads
from forkresize.recipe import to_bytes

_LEASE = 15.0
"""Seconds after which another gateway takes the runs of one that is silent."""

_WAIT = 300.0
"""Seconds that a run waits for another one, of somebody else, to free its destination."""

_FOREVER = 1e9


class RunManager:
    """The runs of a gateway, which it does between ``open`` and ``close``.

    All methods raise LedgerError if the records cannot be used.

    Args:
        settings: of batches.
        limits: of the records.

    Raises:
        LedgerError: the records cannot be used.
    """

    def __init__(self, settings: RunsSettings, limits: Limits | None = None) -> None:
        self.settings = settings
        self._records = _open_records(settings, limits or Limits())
        self._threads = Threads(1)
        self._in_flight: set[tuple[str, str]] = set()
        self.feeds = Feeds(self._read_events)
        self._policy = _make_policy(settings)
        self._supervisor = Supervisor(self._policy, self._records, self._threads, self.feeds.notify)

    async def open(self) -> None:
        """Begin to do runs.

        Raises:
            LedgerError: the records cannot be used.
        """
        if not self._policy.continues:
            await self._threads.call(self._records.interrupt_all, GATEWAY_ENDED)
        self._supervisor.start()

    @property
    def running(self) -> int:
        """How many runs this gateway does at the moment."""
        return self._supervisor.running

    @property
    def ended(self) -> Mapping[RunState, int]:
        """How many runs have ended here, by state."""
        return self._supervisor.ended

    async def close(self) -> None:
        """Leave the runs to the next gateway, or let their pictures in progress finish; then close the records."""
        self.feeds.close()
        await self._supervisor.close()
        await self._threads.call(self._records.close)
        self._threads.close()

    async def submit(self, request: RunRequest, caller: Caller, key: str = "") -> Run:
        """Add a run and return it; return the former one if its idempotency key came before.

        Raises:
            InvalidRequestError: the request asks for what is not possible.
            KeyReusedError: the key came with another request.
            KeyInUseError: the first request with the key is not answered yet.
            TooManyRunsError: too many runs wait.
        """
        with self._hold_key(caller.name, key):
            run = await self._threads.call(self._submit, request, caller, key, current_traceparent())
        self._supervisor.wake()
        return run

    async def get(self, run: str, caller: Caller) -> Run:
        """Return a run.

        Raises:
            NoSuchRunError: there is none that the caller may see.
        """
        if not is_id(run):
            raise NoSuchRunError(run)
        found = await self._threads.call(self._records.get, run)
        if not caller.may_see(found):
            raise NoSuchRunError(run)
        return found

    async def list_runs(self, query: RunsQuery, caller: Caller) -> Sequence[Run]:
        """Return the runs that the caller may see, the newest first."""
        principal = None if caller.is_admin else caller.name
        return await self._threads.call(self._records.list_runs, principal, query.state, query.before, query.limit)

    async def cancel(self, run: str, caller: Caller) -> Run:
        """Ask for the end of a run, and return it; see ``get``. One that has ended stays as it is."""
        await self.get(run, caller)
        found = await self._threads.call(self._records.cancel, run)
        self._supervisor.cancel(run)
        self.feeds.notify(run)
        return found

    async def failures(self, run: str, caller: Caller, query: FailuresQuery) -> Sequence[Failure]:
        """Return failures of a run, in order; see ``get``."""
        await self.get(run, caller)
        return await self._threads.call(self._records.failures, run, query.after, query.limit)

    @asynccontextmanager
    async def listen(self, run: str) -> AsyncIterator[Feed]:
        """Open the events of a run."""
        async with self.feeds.listen(run) as feed:
            yield feed

    async def _read_events(self, run: str, after: int, limit: int) -> Sequence[Event]:
        return await self._threads.call(self._records.events, run, after, limit)

    def _submit(self, request: RunRequest, caller: Caller, key: str, traceparent: str) -> Run:
        settings = self.settings
        recipe = find_recipe(request, settings.presets)
        for source in request.sources:
            settings.places.source(source)
        new = NewRun(
            id=new_id(),
            principal=caller.name,
            request=request.encode(),
            digest=request.digest,
            destination=settings.places.destination(request.destination),
            recipe=to_bytes(recipe).decode("ascii"),
            key=key,
            traceparent=traceparent,
        )
        return self._records.submit(new)

    @contextmanager
    def _hold_key(self, principal: str, key: str) -> Iterator[None]:
        held = principal, key
        if key and held in self._in_flight:
            raise KeyInUseError
        self._in_flight.add(held)
        try:
            yield
        finally:
            self._in_flight.discard(held)


def default_state_dir() -> str:
    """Return where the records of runs on this machine are by default."""
    # Paths that are not absolute are ignored; see the XDG Base Directory Specification.
    state = os.environ.get("XDG_STATE_HOME", "")
    home = state if os.path.isabs(state) else os.path.expanduser("~/.local/state")
    return os.path.join(home, "forkresize", "gateway")


def _open_records(settings: RunsSettings, limits: Limits) -> RunRecords:
    if settings.cluster is not None:
        from forkresize.gateway.runs.records.postgres import open_postgres

        return open_postgres(settings.cluster.ledger, limits)
    from forkresize.gateway.runs.records.sqlite import open_sqlite

    return open_sqlite(settings.state_dir or default_state_dir(), limits)


def _make_policy(settings: RunsSettings) -> Policy:
    def make(claim: Claim) -> BatchOrder:
        return make_order(settings, claim)

    if settings.cluster is None:
        return Policy(slots=settings.slots or 1, lease=_FOREVER, continues=False, make_order=make)
    return Policy(slots=settings.slots or 8, lease=_LEASE, continues=True, make_order=make)


def make_order(settings: RunsSettings, claim: Claim) -> BatchOrder:
    """Return what a process has to do for a run.

    Raises:
        InvalidRequestError: a place that the request names is no longer there, or a link now leads out of its root.
    """
    request = decode_request(claim.request.encode())
    own, cluster = settings, settings.cluster
    access = (
        None
        if cluster is None
        else ClusterAccess(
            broker=cluster.broker,
            ledger=cluster.ledger,
            key_file=cluster.key_file,
            owner=f"run {claim.id} by HTTP",
            batch=claim.batch,
            cancelled=claim.cancelled,
            traceparent=claim.traceparent,
        )
    )
    return BatchOrder(
        sources=[own.places.source(source) for source in request.sources],
        destination=own.places.destination(request.destination),
        recipe=claim.recipe,
        names=own.places.names(),
        settings=request.settings,
        lock_wait=_WAIT,
        workers=own.workers,
        memory=own.memory,
        nice=own.nice if access is None else 0,
        sandbox=own.sandbox,
        ledger=own.ledger,
        cluster=access,
        run=claim.id,
        traceparent=claim.traceparent,
    )
