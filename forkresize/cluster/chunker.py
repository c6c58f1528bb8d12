"""The division of a run's jobs into chunks, which nodes take as a whole."""

from forkresize.job import Job

MAX_JOBS = 256
"""Pictures in a chunk."""

MAX_BYTES = 2 << 30
"""Bytes of the sources of a chunk. A larger picture has a chunk of its own."""

_MIN_JOBS = 4
"""Pictures in the first chunks, so that all nodes begin soon."""

_SHARE = 64
"""A chunk has at most this part of the pictures found so far, so that all nodes end at about the same time."""


class Chunker:
    """Collects jobs, and returns them in chunks that grow with the run.

    Args:
        max_jobs: pictures in a chunk at most.
        max_bytes: bytes of the sources of a chunk at most, unless it has one picture only.
    """

    def __init__(self, max_jobs: int = MAX_JOBS, max_bytes: int = MAX_BYTES) -> None:
        self._max_jobs = max_jobs
        self._max_bytes = max_bytes
        self._pending: list[Job] = []
        self._bytes = 0
        self._found = 0

    def __len__(self) -> int:
        """Return how many jobs are in no chunk yet."""
        return len(self._pending)

    def add(self, job: Job) -> list[Job]:
        """Add a job; return the chunk that is complete, or an empty list."""
        self._found += 1
        chunk = self.take() if self._pending and self._bytes + job.source.size > self._max_bytes else []
        self._pending.append(job)
        self._bytes += job.source.size
        if not chunk and len(self._pending) >= self._target:
            chunk = self.take()
        return chunk

    def take(self) -> list[Job]:
        """Return the jobs that are in no chunk yet as one."""
        chunk, self._pending, self._bytes = self._pending, [], 0
        return chunk

    @property
    def _target(self) -> int:
        return min(self._max_jobs, max(_MIN_JOBS, self._found // _SHARE))
