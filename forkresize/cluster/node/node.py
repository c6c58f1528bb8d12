"""Node: takes chunks from a broker's queues, and works on them until it is asked to stop."""

import logging
import os
import threading
import time
from contextlib import ExitStack
from typing import Any

from celery.worker import state as celery_state

from forkresize.batch.remote.renderer import Renderer
from forkresize.cluster.app import TASK, create_app, queue_name
from forkresize.cluster.database import ClusterDatabase
from forkresize.cluster.database.values import Handling, Lease, NodeInfo, Result
from forkresize.cluster.jsonlines import ManifestError
from forkresize.cluster.messages import ChunkMessage, MessageError, decode_message
from forkresize.cluster.node.allowed import AllowedUrls, NotAllowedError
from forkresize.cluster.node.chunk_run import Chunk, ChunkRun
from forkresize.cluster.node.exclusion import Exclusion
from forkresize.cluster.node.heartbeat import Heartbeat
from forkresize.cluster.node.info import describe_node
from forkresize.cluster.node.intake import ChunkConsumer, refuse_compression, register_task
from forkresize.cluster.node.keeper import Keeper
from forkresize.cluster.node.metrics import NodeMetrics, serve_metrics
from forkresize.cluster.node.refusals import Refusals
from forkresize.cluster.node.settings import NodeSettings
from forkresize.cluster.node.stores import StoreCache
from forkresize.cluster.publisher import Publisher
from forkresize.errors import BrokenPoolError, ForkresizeError, OutdatedError, UsageError
from forkresize.exit_policy import ExitCode, exit_code_for_signal
from forkresize.pool.signals import StopSignals
from forkresize.telemetry.tracer import Tracer

_LOG = logging.getLogger("forkresize.node")

_MAX_ATTEMPTS = 10
"""After so many attempts, a chunk whose files cannot be read or written is given up."""

_PAUSE = 2.0
"""Seconds before a chunk is given back that could not be worked on, so that it does not come at once."""

_NOTICE_SECONDS = 3.0
_NOTICE_INTERVAL = 0.2
"""How long and how often a node looks whether the database has lost a node, too, that the broker has lost."""

_GIVE_BACK_SECONDS = 5.0
"""How long a node that stops at once tries to give back its chunks."""


class Node:
    """A node of a cluster, which occupies its process: it handles SIGTERM and SIGINT.

    Args:
        settings: what it was started with.

    Raises:
        UsageError: a URL is invalid.
    """

    renderer: Renderer
    """Renders the pictures while the node runs."""

    def __init__(self, settings: NodeSettings) -> None:
        self.settings = settings
        self.metrics = NodeMetrics()
        self.tracer = Tracer("forkresize-node", _LOG.warning)
        self._allowed = AllowedUrls(settings.allow)
        self._app = create_app(settings.cluster)
        self._exclusion = Exclusion()
        self._lock = threading.Lock()
        self._running: set[ChunkRun] = set()
        self._idle_since: float | None = time.monotonic()
        self._local = threading.local()
        self._stores = StoreCache(self._allowed, settings.stores)
        self._draining = False
        self._refusals = Refusals()
        self._signals = StopSignals(self._on_stop)
        self._signals.on_force = self._on_force
        self._failure: BaseException | None = None

    @property
    def info(self) -> NodeInfo:
        """What the node reports about itself."""
        return describe_node(self.settings, self._allowed.urls, self.renderer)

    def run(self) -> int:
        """Work until the node is asked to stop; return the exit code.

        Raises:
            ClusterError: the broker cannot be used at the start.
            LedgerError: the database cannot be used at the start.
            BrokenPoolError: no picture can be rendered.
            OutdatedError: a later version of this program has changed the tables of the ledger.
        """
        with ClusterDatabase(self.settings.ledger) as database:
            database.migrate()
        with ExitStack() as stack:
            publisher = stack.enter_context(Publisher(self.settings.cluster, self.settings.key))
            publisher.check()
            worker = self._create_worker()
            stack.enter_context(self._signals)
            stack.enter_context(self.tracer)
            self.renderer = stack.enter_context(Renderer(self.settings.pool, self.settings.sandbox))
            self.metrics.follow(lambda: self.renderer.stats, self._list_running, lambda: self._draining)
            stack.enter_context(serve_metrics(self.metrics, self.settings))
            stack.enter_context(self._create_heartbeat())
            stack.enter_context(
                Keeper(self.settings.ledger, publisher, self.settings.queues, lambda: self._idle_since, self._refusals)
            )
            worker.start()
        if self._failure is not None:
            raise self._failure
        return ExitCode.OK if worker.exitcode in {None, 0} else ExitCode.FATAL

    def _create_worker(self) -> Any:
        refuse_compression()
        register_task(self._app, TASK, self._on_chunk)
        self._app.conf.update(
            worker_pool="threads", worker_concurrency=self.settings.chunks, worker_consumer=ChunkConsumer
        )
        return self._app.WorkController(
            hostname=f"forkresize@{self.settings.name}",
            queues=[queue_name(queue) for queue in self.settings.queues],
            ready_callback=self._on_ready,
            without_gossip=True,
            without_heartbeat=True,
            without_mingle=True,
        )

    def _on_ready(self, _: object) -> None:
        _LOG.info("node %s is ready", self.settings.name)

    def _create_heartbeat(self) -> Heartbeat:
        settings = self.settings
        return Heartbeat(settings.ledger, self.info, self._list_running, lambda: self._draining, settings.lease_seconds)

    def _list_running(self) -> list[ChunkRun]:
        with self._lock:
            return list(self._running)

    def _on_chunk(self, text: str, redelivered: bool, traceparent: str) -> None:
        """Work on the chunk of a message. What goes wrong is logged: the message has served its purpose."""
        try:
            message = decode_message(text, self.settings.key)
        except MessageError as error:
            self.metrics.refused.inc()
            _LOG.error("refused a message: %s", error)
            return
        if self._draining:
            return
        database = self._database()
        try:
            database.check()
            self._handle(message, database, traceparent, redelivered=redelivered)
        except OutdatedError as error:
            self._refusals.add(message.run, message.chunk)
            self._fail(error)
        except ForkresizeError as error:
            _LOG.error("chunk %s of run %s: %s", message.chunk, message.run, error)

    def _handle(self, message: ChunkMessage, database: ClusterDatabase, traceparent: str, *, redelivered: bool) -> None:
        if self._refusals.is_recent(message.run):
            self._refusals.add(message.run, message.chunk)
            return
        try:
            run = database.runs.get(message.run)
            stores = None if run is None else self._stores.get(run)
        except (NotAllowedError, UsageError) as error:
            self._pass_on(message, error, database)
            return
        if run is None or stores is None:
            return
        lease = self._take(message, database, redelivered=redelivered)
        if lease is not None:
            self._work(Chunk(lease, run.spec, stores, traceparent), database)

    def _pass_on(self, message: ChunkMessage, error: ForkresizeError, database: ClusterDatabase) -> None:
        """Leave a chunk to another node, and record why."""
        # The log has the reason once, not for each of the chunks, which come again and again.
        if self._refusals.note(message.run, str(error)) and isinstance(error, UsageError):
            _LOG.error("run %s is left to other nodes: %s", message.run, error)
        self._refusals.add(message.run, message.chunk)
        database.runs.refuse(message.run, f"{self.settings.name}: {error}")

    def _take(self, message: ChunkMessage, database: ClusterDatabase, *, redelivered: bool) -> Lease | None:
        """Lease a chunk. If the broker has lost the node that had it, the database may notice a moment later."""
        deadline = time.monotonic() + (_NOTICE_SECONDS if redelivered else 0)
        while True:
            lease = database.chunks.take(message.run, message.chunk, self.settings.name, redelivered=redelivered)
            is_over = time.monotonic() >= deadline or self._draining
            if lease is not None or is_over or not database.chunks.is_leased(message.run, message.chunk):
                return lease
            time.sleep(_NOTICE_INTERVAL)

    def _database(self) -> ClusterDatabase:
        """Return the database of this thread."""
        database: ClusterDatabase | None = getattr(self._local, "database", None)
        if database is None:
            database = self._local.database = ClusterDatabase(
                self.settings.ledger, lease_seconds=self.settings.lease_seconds
            )
        return database

    def _work(self, chunk: Chunk, database: ClusterDatabase) -> None:
        """Work on a chunk, and finish or return it."""
        work = ChunkRun(chunk, self, database)
        with self._lock:
            self._running.add(work)
            self._idle_since = None
        try:
            with self._exclusion.enter(alone=chunk.lease.handling is Handling.SINGLE):
                if self._draining:
                    work.stop()
                self._run_chunk(work, database)
        finally:
            with self._lock:
                self._running.discard(work)
                if not self._running:
                    self._idle_since = time.monotonic()

    def _run_chunk(self, work: ChunkRun, database: ClusterDatabase) -> None:
        lease = work.lease
        try:
            result = work.run()
        except (ManifestError, NotAllowedError) as error:
            self._give_up(lease, error, database)
        except (BrokenPoolError, OutdatedError) as error:
            self._return(lease, database)
            self._fail(error)
        except (OSError, ForkresizeError, ValueError) as error:
            self._give_back_later(lease, error, database)
        except Exception:  # noqa: BLE001 -- a bug must not keep the chunk until the lease runs out.
            _LOG.exception("chunk %s of run %s: a bug in forkresize; please report it", lease.number, lease.run)
            database.chunks.lose(lease)
            self.metrics.end_chunk("lost")
        else:
            self._end(work, result, database)

    def _end(self, work: ChunkRun, result: Result | None, database: ClusterDatabase) -> None:
        if result is not None:
            database.chunks.finish(work.lease, result)
            self.metrics.end_chunk("done")
        elif work.is_lost:
            self.metrics.end_chunk("lost")
        else:
            self._return(work.lease, database)

    def _return(self, lease: Lease, database: ClusterDatabase) -> None:
        database.chunks.give_back(lease)
        self.metrics.end_chunk("returned")

    def _give_back_later(self, lease: Lease, error: Exception, database: ClusterDatabase) -> None:
        """Return a chunk: another node, maybe of another version, may be able to read its recipe or its files."""
        _LOG.error("chunk %s of run %s: %s", lease.number, lease.run, error)
        if lease.attempt >= _MAX_ATTEMPTS:
            self._give_up(lease, error, database)
            return
        time.sleep(0 if self._draining else _PAUSE)
        self._return(lease, database)

    def _give_up(self, lease: Lease, error: Exception, database: ClusterDatabase) -> None:
        _LOG.error("chunk %s of run %s is given up: %s", lease.number, lease.run, error)
        database.chunks.give_up(lease, f"{self.settings.name}: {error}")
        self.metrics.end_chunk("given up")

    def _fail(self, error: BaseException) -> None:
        """End the node because of an error."""
        if self._failure is None and not self._draining:
            self._failure = error
        self._drain()

    def _drain(self) -> None:
        """Take no more chunks, finish the pictures that workers have, and return the rest."""
        self._draining = True
        celery_state.should_stop = 0
        for work in self._list_running():
            work.stop()

    def _on_stop(self) -> None:
        # Not in the signal's handler: a lock may be held by the code that was interrupted.
        threading.Thread(target=self._drain, name="drain", daemon=True).start()

    def _on_force(self) -> None:
        threading.Thread(target=self._stop_at_once, name="stop", daemon=True).start()

    def _stop_at_once(self) -> None:
        """End the workers, give back the chunks, and exit."""
        leases = [work.lease for work in self._list_running()]
        ended = threading.Thread(target=self._give_back, args=(leases,), daemon=True)
        self.renderer.terminate()
        ended.start()
        ended.join(_GIVE_BACK_SECONDS)
        os._exit(exit_code_for_signal(self._signals.first or 0))

    def _give_back(self, leases: list[Lease]) -> None:
        with ClusterDatabase(self.settings.ledger) as database:
            for lease in leases:
                database.chunks.give_back(lease)
            database.nodes.remove(self.settings.name)
