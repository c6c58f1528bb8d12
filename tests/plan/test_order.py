"""The order of jobs within a bounded window."""

from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkresize.job import Job, Output, Source
from forkresize.plan import Order, prioritize
from forkresize.pool import NothingYet

stats = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**12)), max_size=200)


def jobs(sizes_and_times: list[tuple[int, int]]) -> list[Job]:
    return [
        Job(Source(f"in/{n}", f"{n}", size, time), (Output(f"{n}"),)) for n, (size, time) in enumerate(sizes_and_times)
    ]


def sources(prioritized: Iterable[Job | NothingYet]) -> list[Source]:
    return [job.source for job in prioritized if isinstance(job, Job)]


@given(stats, st.sampled_from(Order), st.integers(1, 50))
def test_every_job_is_yielded_once_in_any_order(found: list[tuple[int, int]], order: Order, window: int) -> None:
    all_jobs = jobs(found)
    assert sorted(sources(prioritize(all_jobs, order, window)), key=lambda each: int(each.relative)) == [
        job.source for job in all_jobs
    ]


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**12)), max_size=60))
def test_the_largest_and_the_latest_come_first_within_the_window(found: list[tuple[int, int]]) -> None:
    sizes = [source.size for source in sources(prioritize(jobs(found), Order.SIZE))]
    times = [source.mtime_ns for source in sources(prioritize(jobs(found), Order.MTIME))]
    assert sizes == sorted(sizes, reverse=True)
    assert times == sorted(times, reverse=True)


def test_order_by_path_is_the_order_of_the_walk() -> None:
    all_jobs = jobs([(1, 1), (9, 9), (5, 5)])
    assert list(prioritize(all_jobs, Order.PATH)) == all_jobs


def test_a_large_picture_at_the_end_comes_early() -> None:
    order = [source.size for source in sources(prioritize(jobs([*[(1, 0)] * 500, (1000, 0)]), Order.SIZE))]
    assert order.index(1000) < 20


@pytest.mark.parametrize("order", Order)
def test_known_jobs_are_yielded_while_there_is_no_other_yet(order: Order) -> None:
    small, large, last = jobs([(1, 1), (9, 9), (5, 5)])
    prioritized = prioritize([small, large, NothingYet(3), NothingYet(3), NothingYet(3), last], order)
    found = [each for each in prioritized if each != NothingYet(3)]
    expected = [small, large, last] if order is Order.PATH else [large, small, last]
    assert found == expected


def test_without_known_jobs_there_is_nothing_yet() -> None:
    (job,) = jobs([(1, 1)])
    assert list(prioritize([NothingYet(3), job, NothingYet(3)], Order.SIZE)) == [NothingYet(3), job]


@pytest.mark.parametrize("order", Order)
def test_jobs_are_read_no_further_ahead_than_the_window(order: Order) -> None:
    taken = 0

    def count() -> Iterator[Job]:
        nonlocal taken
        for job in jobs([(1, 1)] * 1000):
            taken += 1
            yield job

    for handed_out, _ in enumerate(prioritize(count(), order, window=100), start=1):
        assert taken <= handed_out + 100
