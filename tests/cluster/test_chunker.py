from hypothesis import given
from hypothesis import strategies as st

from forkresize.cluster.chunker import MAX_BYTES, MAX_JOBS, Chunker
from forkresize.job import Job, Source


def _jobs(sizes: list[int]) -> list[Job]:
    return [Job(Source(f"s/{index}", f"{index}", size), ()) for index, size in enumerate(sizes)]


def _divide(chunker: Chunker, jobs: list[Job]) -> list[list[Job]]:
    chunks = [chunker.add(job) for job in jobs]
    return [chunk for chunk in [*chunks, chunker.take()] if chunk]


@given(st.lists(st.integers(0, 120), max_size=300), st.integers(1, 50), st.integers(1, 300))
def test_every_job_is_in_exactly_one_chunk_and_chunks_keep_their_bounds(
    sizes: list[int], max_jobs: int, max_bytes: int
) -> None:
    jobs = _jobs(sizes)
    chunks = _divide(Chunker(max_jobs, max_bytes), jobs)
    assert [job for chunk in chunks for job in chunk] == jobs
    for chunk in chunks:
        assert len(chunk) <= max_jobs
        assert len(chunk) == 1 or sum(job.source.size for job in chunk) <= max_bytes


def test_chunks_grow_with_the_run_up_to_the_limit() -> None:
    lengths = [len(chunk) for chunk in _divide(Chunker(), _jobs([1000] * 50_000))][:-1]
    assert lengths[0] == 4
    assert lengths == sorted(lengths)
    assert lengths[-1] == MAX_JOBS


def test_no_chunk_holds_more_than_a_small_share_of_the_run() -> None:
    jobs = _jobs([1000] * 2000)
    assert max(len(chunk) for chunk in _divide(Chunker(), jobs)) <= len(jobs) / 60


def test_a_picture_above_the_limit_has_a_chunk_of_its_own() -> None:
    assert [len(chunk) for chunk in _divide(Chunker(), _jobs([1, MAX_BYTES + 1, 1]))] == [1, 1, 1]


def test_what_is_pending_can_be_taken_at_any_time() -> None:
    chunker, (first, second) = Chunker(), _jobs([1, 1])
    assert chunker.add(first) == []
    assert len(chunker) == 1
    assert chunker.take() == [first]
    assert chunker.take() == []
    assert chunker.add(second) == []
