"""The manifests and the outcomes of a run, below its destination."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from threading import Lock

from forkresize.batch.backend import FindReplaced
from forkresize.batch.executor import NodeResult
from forkresize.batch.wire import WireOutcome
from forkresize.cluster.database.values import FinishedChunk, NewChunk
from forkresize.cluster.jsonlines import MAX_BYTES, ManifestError, read_again
from forkresize.cluster.manifest import (
    RUNS_DIR,
    Header,
    JobOutcome,
    PlannedJob,
    manifest_key,
    read_manifest,
    read_outcomes,
    run_directory,
    write_manifest,
)
from forkresize.errors import DestinationError, describe
from forkresize.job import Job
from forkresize.outcome import Failed, Reason
from forkresize.store import OutputStore

_KEPT_MANIFESTS = 64
"""Manifests in memory, so that those of chunks that were just published or split are not read again."""


class RunDocuments:
    """Writes the manifests of a run, and reads the outcomes of its chunks. Safe for threads.

    Args:
        store: the destination.
        run: number of the run.
        spec: digest of what all chunks have in common.
        secret: the key to sign with; None for a cluster without a key.
        find_replaced: returns the object that an output is to replace, by its key; None if puts are not bound to it.
    """

    def __init__(
        self,
        store: OutputStore,
        run: int,
        spec: str,
        secret: bytes | None = None,
        find_replaced: FindReplaced | None = None,
    ) -> None:
        self._store = store
        self._find_replaced = find_replaced
        self._run = run
        self._spec = spec
        self._secret = secret
        self._lock = Lock()
        self._manifests: OrderedDict[str, list[Job]] = OrderedDict()

    def write(self, number: int, jobs: Sequence[Job]) -> NewChunk:
        """Write the manifest of a chunk, and return its row.

        Raises:
            DestinationError: the manifest cannot be written.
        """
        key = manifest_key(self._run, number)
        planned = jobs if self._find_replaced is None else [_plan(job, self._find_replaced) for job in jobs]
        data = write_manifest(planned, Header(run=self._run, chunk=number, spec=self._spec, lines=0), self._secret)
        try:
            self._store.put(key, data)
        except OSError as error:
            raise DestinationError(f"cannot write a manifest: {describe(error)}") from error
        self._keep(key, list(jobs))
        size = sum(job.source.size for job in jobs)
        return NewChunk(number=number, manifest=key, first=0, count=len(jobs), size=size)

    def read(self, chunk: FinishedChunk) -> list[NodeResult]:
        """Return the result of each job of a chunk. A job has failed if its outcomes cannot be read.

        Raises:
            DestinationError: the manifest cannot be read.
        """
        numbered = list(enumerate(self._jobs(chunk.manifest)))[chunk.first : chunk.first + chunk.count]
        found, lost = self._outcomes(chunk)
        return [_result(job, found.get(index), chunk.node, lost) for index, job in numbered]

    def remove(self) -> None:
        """Remove all manifests and outcomes of the run.

        Raises:
            DestinationError: one cannot be removed.
        """
        _remove(self._store, f"{run_directory(self._run)}/", ())

    def _jobs(self, key: str) -> list[Job]:
        with self._lock:
            if key in self._manifests:
                self._manifests.move_to_end(key)
                return self._manifests[key]
        try:
            header, jobs = read_again(lambda: read_manifest(self._load(key), self._secret))
            self._check(header)
        except (OSError, ManifestError) as error:
            raise DestinationError(f"cannot read manifest {key!r}: {_describe(error)}") from error
        self._keep(key, jobs)
        return jobs

    def _keep(self, key: str, jobs: list[Job]) -> None:
        with self._lock:
            self._manifests[key] = jobs
            while len(self._manifests) > _KEPT_MANIFESTS:
                self._manifests.popitem(last=False)

    def _outcomes(self, chunk: FinishedChunk) -> tuple[dict[int, JobOutcome], str]:
        """Return the outcomes by their index, and why others are missing."""
        if not chunk.outcomes:
            return {}, chunk.error
        try:
            header, outcomes = read_again(lambda: read_outcomes(self._load(chunk.outcomes), self._secret))
            self._check(header)
        except (OSError, ManifestError) as error:
            return {}, f"its outcome cannot be read: {_describe(error)}"
        return {each.index: each for each in outcomes}, "the node reported no outcome"

    def _check(self, header: Header) -> None:
        if (header.run, header.spec) != (self._run, self._spec):
            raise ManifestError(f"it belongs to run {header.run}, or to another specification of run {self._run}")

    def _load(self, key: str) -> bytes:
        with self._store.open(key) as file:
            data = bytearray()
            while (piece := file.read(MAX_BYTES)) and len(data) <= MAX_BYTES:
                data += piece
        return bytes(data)


def remove_documents(store: OutputStore, keep: Iterable[int]) -> None:
    """Remove the manifests and outcomes of all runs but some: a late node may have written them after the end of a run.

    Args:
        store: the destination.
        keep: numbers of the runs that have not ended.

    Raises:
        DestinationError: one cannot be removed.
    """
    _remove(store, f"{RUNS_DIR}/", tuple(f"{run_directory(run)}/" for run in keep))


def _remove(store: OutputStore, prefix: str, kept_prefixes: tuple[str, ...]) -> None:
    try:
        keys = [info.key for info in store.scan(prefix) if not info.key.startswith(kept_prefixes)]
        for _, error in store.delete_many(keys):
            if error is not None and not isinstance(error, FileNotFoundError):
                raise error
    except OSError as error:
        raise DestinationError(f"cannot remove the manifests below {prefix!r}: {describe(error)}") from error


def _plan(job: Job, find_replaced: FindReplaced) -> PlannedJob:
    found = [find_replaced(output.key) for output in job.outputs]
    return PlannedJob(job.source, job.outputs, job.in_place, tuple("" if each is None else each.etag for each in found))


def _result(job: Job, found: JobOutcome | None, node: str, lost: str) -> NodeResult:
    if found is None:
        outcome = WireOutcome(None, Failed(Reason.INTERNAL, lost), ())
        return NodeResult(item=job, attempts=0, worker=node, seconds=0.0, outcomes=[outcome])
    return NodeResult(
        item=job, attempts=found.attempts, worker=found.worker, seconds=found.seconds, outcomes=found.outcomes
    )


def _describe(error: OSError | ManifestError) -> str:
    return describe(error) if isinstance(error, OSError) else str(error)
