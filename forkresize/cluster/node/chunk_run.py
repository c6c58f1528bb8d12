"""One chunk on a node: reads the manifest, makes the pictures, writes rows and outcomes."""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from forkresize.batch.executor import JobResult
from forkresize.batch.remote.renderer import PackedRecipe, Renderer
from forkresize.batch.remote.transfers import Endpoints, TransferExecutor, TransferOptions
from forkresize.batch.results import outcomes_from_result
from forkresize.cluster.database import ClusterDatabase
from forkresize.cluster.database.values import Handling, Lease, Result
from forkresize.cluster.jsonlines import ManifestError, read_again
from forkresize.cluster.manifest import Header, outcomes_key, read_plan, run_directory, write_outcomes
from forkresize.cluster.node.allowed import check_job
from forkresize.cluster.node.chunk_outcomes import ChunkOutcomes
from forkresize.cluster.node.chunk_trace import ChunkTrace
from forkresize.cluster.node.metrics import NodeMetrics
from forkresize.cluster.node.recorder import Recorder
from forkresize.cluster.node.settings import NodeSettings
from forkresize.cluster.node.stores import RunStores
from forkresize.cluster.spec import RunSpec
from forkresize.job import Job, Output
from forkresize.outcome import Execution, Failed, Outcome, Reason, ref_to_job
from forkresize.store import ObjectInfo, PutOptions, SourceStore
from forkresize.telemetry.tracer import Tracer

_MAX_MANIFEST = 32 << 20
"""Bytes of a compressed manifest that are read."""

_AHEAD = 4
"""Pictures that are under way for each worker: enough to hide transfers."""

_CONNECTIONS = 16
"""How many objects of a chunk are fetched at the same time, and how many are put."""

POISON = "it ended two nodes, or made them fail"
"""Why a picture failed that is not tried again."""


class Chunk(Struct, frozen=True):
    """A chunk that this node has leased.

    Attributes:
        lease: the lease.
        spec: of the chunk's run.
        stores: of the run.
        traceparent: context of the run's span; empty for none.
    """

    lease: Lease
    spec: RunSpec
    stores: RunStores
    traceparent: str = ""


class Tools(Protocol):
    """What all chunks of a node share."""

    @property
    def settings(self) -> NodeSettings:
        """The settings of the node."""

    @property
    def renderer(self) -> Renderer:
        """Renders the pictures."""

    @property
    def tracer(self) -> Tracer:
        """Sends traces."""

    @property
    def metrics(self) -> NodeMetrics:
        """Counts what is done."""


class ChunkRun:
    """The work on one chunk, by one thread. Others may ask it to stop.

    Args:
        chunk: the chunk.
        tools: what all chunks share.
        database: to mark pictures in; of the same thread.
    """

    def __init__(self, chunk: Chunk, tools: Tools, database: ClusterDatabase) -> None:
        self.lease = chunk.lease
        self._chunk = chunk
        # Temporary files are of one lease: a late node and its successor may write the same output at the same time.
        self._destination = chunk.stores.destination.with_run(chunk.lease.token.hex)
        self._tools = tools
        self._database = database
        self._executor: TransferExecutor | None = None
        self._outcomes: ChunkOutcomes | None = None
        self._before: dict[str, str | None] = {}  # What is under the keys of outputs: an ETag, or empty for nothing.
        self._ahead = 1  # How many pictures are under way at most.
        self._stopping = False
        self._trace = ChunkTrace(tools.tracer, chunk.lease, chunk.traceparent, tools.settings.name)
        self.is_lost = False
        self.has_ended = False
        """Whether nothing more is made under the lease, which may be given up at any moment."""
        self.renewed_at = time.monotonic()
        """When the lease was taken or renewed."""

    @property
    def made(self) -> int:
        """How many pictures have outcomes."""
        return 0 if self._outcomes is None else len(self._outcomes)

    def stop(self) -> None:
        """Begin no more pictures, and finish those that workers have; may be called by any thread.

        The chunk is returned from the first picture on that has no outcome. If much was made of what follows, such as
        when a source takes long to fetch, all that have begun are finished.
        """
        self._stopping = True
        if self._executor is not None and self._outcomes is not None and self._outcomes.scattered <= self._ahead:
            self._executor.stop()

    def note_renewal(self, *, is_renewed: bool) -> None:
        """Note that the lease was renewed, or could not be."""
        self._tools.metrics.note_renewal(is_renewed=is_renewed)
        if is_renewed:
            self.renewed_at = time.monotonic()

    def lose(self) -> None:
        """Stop, and write nothing more: the lease is lost."""
        self.is_lost = self._stopping = True
        if self._executor is not None:
            self._executor.stop()

    def run(self) -> Result | None:
        """Work on the chunk.

        Returns:
            What was made, whose outcomes are in the destination; None if nothing was made or the lease is lost.

        Raises:
            ManifestError: the manifest is missing, damaged, not signed, or that of another run.
            NotAllowedError: a picture is outside the stores of the run.
            OSError: the destination cannot be read or written.
            LedgerError: the ledger cannot be written.
            BrokenPoolError: no picture can be rendered.
        """
        self._tools.metrics.taken.inc()
        try:
            with self._trace:
                return self._run()
        finally:
            self.has_ended = True

    def _run(self) -> Result | None:
        jobs = self._read_jobs()
        self._outcomes = outcomes = ChunkOutcomes(jobs, self.lease.first, self._tools.settings.name)
        spec = limit_time(self._chunk.spec, self._tools.settings.pool.timeout)
        with Recorder(self._tools.settings.ledger, self.lease.run, spec) as recorder:
            if self.lease.attempt > 1 or self.lease.first > 0:
                # Another node has had these pictures, and may have other codecs: what it put is replaced.
                self._before.update(recorder.find_put([key for key, etag in self._before.items() if etag is not None]))
            if self.lease.handling is Handling.FAIL:
                self._fail(jobs, outcomes, recorder)
            else:
                self._execute(jobs, spec, outcomes, recorder)
        made = outcomes.leading()
        if self.is_lost or not made:
            return None
        key = outcomes_key(self.lease.run, self.lease.number, self.lease.attempt)
        header = Header(run=self.lease.run, chunk=self.lease.number, spec=self._chunk.spec.digest, lines=len(made))
        self._destination.put(key, write_outcomes(made, header, self._tools.settings.key))
        return Result(made=len(made), outcomes=key, counts=outcomes.count(len(made)))

    def _read_jobs(self) -> list[Job]:
        lease = self.lease
        if not lease.manifest.startswith(f"{run_directory(lease.run)}/"):
            raise ManifestError(f"{lease.manifest!r} is not a manifest of run {lease.run}")
        read = partial(read_document, self._destination, lease.manifest)
        header, jobs = read_again(lambda: read_plan(read(), self._tools.settings.key))
        if (header.run, header.spec) != (lease.run, self._chunk.spec.digest):
            raise ManifestError(f"the manifest {lease.manifest!r} is that of another run")
        jobs = jobs[lease.first : lease.first + lease.count]
        if len(jobs) != lease.count or not all(job.outputs for job in jobs):
            raise ManifestError(f"the manifest {lease.manifest!r} lacks pictures of chunk {lease.number}")
        for job in jobs:
            check_job(job, self._chunk.stores.locations)
            self._before.update((output.key, etag) for output, etag in zip(job.outputs, job.before, strict=False))
        return list(jobs)

    def _fail(self, jobs: Sequence[Job], outcomes: ChunkOutcomes, recorder: Recorder) -> None:
        for job in jobs:
            ref = ref_to_job(job, self._destination.location)
            failed = [Outcome(ref, Failed(Reason.CRASHED, POISON), Execution(attempts=2))]
            outcomes.add(job, failed)
            recorder.record(job, failed, {})
            self._observe(failed)

    def _execute(self, jobs: Sequence[Job], spec: RunSpec, outcomes: ChunkOutcomes, recorder: Recorder) -> None:
        settings, stores = self._tools.settings, self._chunk.stores
        if self.lease.handling is not Handling.SINGLE:
            self._ahead = _AHEAD * (self._tools.renderer.workers + 2)
        timeout = math.inf if spec.timeout is None else spec.timeout
        recipe = PackedRecipe(spec.recipe.encode(), timeout, spec.retries)
        endpoints = Endpoints(stores.for_fetching, self._destination, self._put_options)
        with ExitStack() as stack:
            options = TransferOptions(memory=settings.transfer_memory, connections=_CONNECTIONS, ahead=self._ahead)
            executor = stack.enter_context(TransferExecutor(self._tools.renderer, recipe, endpoints, options))
            self._executor = executor
            for result in executor.run(self._upcoming(jobs)):
                if self.is_lost:
                    continue
                self._add(result, executor, outcomes, recorder)

    def _upcoming(self, jobs: Sequence[Job]) -> Iterator[Job]:
        """Yield the jobs; those that are worked on alone are marked before they start."""
        for index, job in enumerate(jobs, self.lease.first):
            if self._stopping:
                return
            if self.lease.handling is Handling.SINGLE and not self._database.chunks.mark(self.lease, index):
                self.lose()
                return
            yield job

    def _add(self, result: JobResult, executor: TransferExecutor, outcomes: ChunkOutcomes, recorder: Recorder) -> None:
        job = result.item
        found = outcomes_from_result(result, self._destination)
        keys = [output.key for output in job.outputs]
        placed = {key: executor.placed.pop(key) for key in keys if key in executor.placed}
        recorder.record(job, found, placed)
        outcomes.add(job, found)
        self._observe(found)

    def _observe(self, outcomes: Sequence[Outcome]) -> None:
        self._tools.metrics.add_picture(outcomes)
        self._trace.add(outcomes)

    def _put_options(self, output: Output) -> PutOptions:
        """Return how an output is put: bound to what was there when the run decided to make it."""
        spec, before = self._chunk.spec, self._before.get(output.key)
        return PutOptions(
            cache_control=spec.cache_control,
            metadata=spec.metadata,
            create=before == "",
            replaces=ObjectInfo(output.key, 0, 0, 0, etag=before) if before else None,
            # A node that was lost may have put it.
            accept_same=True,
        )


def limit_time(spec: RunSpec, longest: float | None) -> RunSpec:
    """Return a specification with the time limit that pictures have on a node.

    What a picture fails by is recorded with this limit: a node with a higher one may make the picture.

    Args:
        spec: of a run.
        longest: seconds that the node allows at most; None for no limit.
    """
    if longest is None or (spec.timeout is not None and spec.timeout <= longest):
        return spec
    return replace(spec, timeout=longest, limits={**spec.limits, Reason.TIMED_OUT.value: longest})


def read_document(store: SourceStore, key: str) -> bytes:
    """Return the bytes of a manifest.

    Raises:
        ManifestError: it does not exist, or is too large.
        OSError: it cannot be read now.
    """
    try:
        with store.open(key) as file:
            data = bytearray()
            while piece := file.read(1 << 18):
                data += piece
                if len(data) > _MAX_MANIFEST:
                    raise ManifestError(f"the manifest {key!r} has more than {_MAX_MANIFEST:,} bytes")
    except FileNotFoundError as error:
        if store.stat(key) is not None:
            # What is not found is the directory for temporary files.
            raise
        raise ManifestError(f"the manifest {key!r} is missing") from error
    return bytes(data)
