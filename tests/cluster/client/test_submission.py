"""The way of jobs to the database: every job is in one chunk that is recorded, in the order of the numbers."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from forkresize.cluster.chunker import Chunker
from forkresize.cluster.client.submission import Submission
from forkresize.cluster.database.values import NewChunk
from forkresize.errors import DestinationError
from forkresize.job import Job, Source

JOBS = [Job(Source(f"/in/{n}.jpg", f"{n}.jpg", 1), ()) for n in range(1000)]


class Rows:
    """What was written and recorded."""

    def __init__(self) -> None:
        self.written: dict[int, list[Job]] = {}
        self.batches: list[list[int]] = []
        self._lock = threading.Lock()

    def write(self, number: int, jobs: Sequence[Job]) -> NewChunk:
        with self._lock:
            self.written[number] = list(jobs)
        return NewChunk(number=number, manifest=str(number), first=0, count=len(jobs), size=len(jobs))

    def record(self, chunks: Sequence[NewChunk]) -> None:
        assert all(chunk.number in self.written for chunk in chunks)
        self.batches.append([chunk.number for chunk in chunks])


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as threads:
        yield threads


def test_every_job_is_in_one_chunk_that_is_recorded(threads: ThreadPoolExecutor) -> None:
    rows = Rows()
    submission = Submission(rows.write, rows.record, threads, Chunker(max_jobs=7))
    for job in JOBS:
        submission.add(job)
    submission.flush()
    numbers = [number for batch in rows.batches for number in batch]
    assert numbers == list(range(1, submission.chunks + 1))
    assert [job for number in numbers for job in rows.written[number]] == JOBS
    assert max(map(len, rows.batches)) == 16


def test_nothing_is_recorded_for_no_jobs(threads: ThreadPoolExecutor) -> None:
    rows = Rows()
    submission = Submission(rows.write, rows.record, threads)
    submission.flush()
    submission.add(JOBS[0])
    submission.flush()
    submission.flush()
    assert rows.batches == [[1]]


def test_a_chunk_without_a_manifest_is_not_recorded(threads: ThreadPoolExecutor) -> None:
    rows = Rows()

    def fail(_number: int, _jobs: Sequence[Job]) -> NewChunk:
        raise DestinationError("full")

    submission = Submission(fail, rows.record, threads)
    submission.add(JOBS[0])
    with pytest.raises(DestinationError, match="full"):
        submission.flush()
    assert rows.batches == []
