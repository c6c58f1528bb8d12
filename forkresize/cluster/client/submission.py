"""The way of a run's jobs to the nodes: chunks, their manifests, their rows and their messages."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from forkresize.cluster.chunker import Chunker
from forkresize.cluster.database.values import NewChunk
from forkresize.job import Job

_BATCH = 16
"""Chunks that are recorded in one transaction."""


class Submission:
    """Divides jobs into chunks, writes their manifests in threads, and records chunks in batches.

    Args:
        write: writes the manifest of a chunk with this number, and returns its row.
        record: records rows, together with the messages to publish.
        threads: write the manifests.
        chunker: decides how many jobs a chunk has.
    """

    def __init__(
        self,
        write: Callable[[int, Sequence[Job]], NewChunk],
        record: Callable[[Sequence[NewChunk]], object],
        threads: ThreadPoolExecutor,
        chunker: Chunker | None = None,
    ) -> None:
        self._write = write
        self._record = record
        self._threads = threads
        self._chunker = chunker or Chunker()
        self._writing: list[Future[NewChunk]] = []
        self.chunks = 0
        """How many there are so far."""

    def add(self, job: Job) -> None:
        """Add a job.

        Raises:
            DestinationError: a manifest cannot be written.
            LedgerError: the rows cannot be written.
        """
        self._submit(self._chunker.add(job))
        if len(self._writing) >= _BATCH:
            self._flush()

    def flush(self) -> None:
        """Record all jobs so far, although their chunk may be small; see ``add``."""
        self._submit(self._chunker.take())
        self._flush()

    def _submit(self, jobs: list[Job]) -> None:
        if jobs:
            self.chunks += 1
            self._writing.append(self._threads.submit(self._write, self.chunks, jobs))

    def _flush(self) -> None:
        writing, self._writing = self._writing, []
        if writing:
            self._record([future.result() for future in writing])
