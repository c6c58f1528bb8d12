"""The order of jobs within a bounded window."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkresize.job import Job, Output, Source
from forkresize.plan import Order, prioritize

stats = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**12)), max_size=200)


def jobs(sizes_and_times: list[tuple[int, int]]) -> list[Job]:
    return [
        Job(Source(f"in/{n}", f"{n}", size, time), (Output(f"{n}"),)) for n, (size, time) in enumerate(sizes_and_times)
    ]


@given(stats, st.sampled_from(Order), st.integers(1, 50))
def test_every_job_is_yielded_once_in_any_order(found: list[tuple[int, int]], order: Order, window: int) -> None:
    all_jobs = jobs(found)
    assert sorted(prioritize(all_jobs, order, window), key=all_jobs.index) == all_jobs


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**12)), max_size=60))
def test_the_largest_and_the_latest_come_first_within_the_window(found: list[tuple[int, int]]) -> None:
    sizes = [job.source.size for job in prioritize(jobs(found), Order.SIZE)]
    times = [job.source.mtime_ns for job in prioritize(jobs(found), Order.MTIME)]
    assert sizes == sorted(sizes, reverse=True)
    assert times == sorted(times, reverse=True)


def test_order_by_path_is_the_order_of_the_walk() -> None:
    all_jobs = jobs([(1, 1), (9, 9), (5, 5)])
    assert list(prioritize(all_jobs, Order.PATH)) == all_jobs


def test_a_large_picture_at_the_end_comes_early() -> None:
    order = [job.source.size for job in prioritize(jobs([*[(1, 0)] * 500, (1000, 0)]), Order.SIZE)]
    assert order.index(1000) < 20


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
