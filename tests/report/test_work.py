"""The estimate of how much of a run's work is done, and how long the rest takes."""

from collections.abc import Iterator

import pytest

from forkresize.job import Job, Output, Source
from forkresize.observer import NodeActivity
from forkresize.outcome import Execution, Failed, Outcome, OutputRef, Pruned, Reason, Unchanged
from forkresize.pool import Activity
from forkresize.report.work import WorkEstimate, expected_work


class Clock:
    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


def outcome(size: int, seconds: float = 0.0, *, rendition: int = 0) -> Outcome:
    """Return the outcome of a picture that a worker failed to make; without seconds, of one that needed no work."""
    ref = OutputRef(Source("a.jpg", "a.jpg", size), "out/a.jpg", rendition)
    if seconds:
        return Outcome(ref, Failed(Reason.DAMAGED), Execution(1, 7, seconds))
    return Outcome(ref, Unchanged())


def simulate(sizes: list[int], *, workers: int = 2, seconds_each: float = 0.2) -> Iterator[tuple[float, float, float]]:
    """Run pictures, the largest first; yield the elapsed, the estimated and the true seconds, ten times per second."""
    clock = Clock()
    work = WorkEstimate(clock)
    work.total = sum(map(expected_work, sizes))
    pending = sorted(sizes, reverse=True)
    mean = work.total / len(sizes)
    running: list[tuple[float, float, int]] = []
    moments: list[tuple[float, float | None]] = []
    while pending or running:
        while pending and len(running) < workers:
            size = pending.pop(0)
            running.append((clock.now + seconds_each * expected_work(size) / mean, clock.now, size))
        clock.now = round(clock.now + 0.01, 2)
        for end, start, size in [each for each in running if each[0] <= clock.now]:
            running.remove((end, start, size))
            work.add(outcome(size, clock.now - start))
        if round(clock.now * 100) % 10 == 0:
            jobs = [(Job(Source("a", "a", size), (Output("a"),)), clock.now - start) for _, start, size in running]
            work.observe([Activity(1, job, seconds) for job, seconds in jobs])
            moments.append((clock.now, work.seconds_left))
    for moment, left in moments:
        if left is not None:
            yield moment - 50, left, clock.now - moment


@pytest.mark.parametrize("sizes", ["equal", "spread", "two kinds"])
def test_time_left_is_close_from_a_fifth_of_the_run_on(sizes: str) -> None:
    numbers = [number * 37 % 300 for number in range(300)]
    every = {
        "equal": [4_000] * 300,
        "spread": [int(10 ** (4 + number / 100)) for number in numbers],
        "two kinds": [2_000_000] * 40 + [4_000] * 600,
    }[sizes]
    moments = list(simulate(every))
    total = moments[-1][0] + moments[-1][2]
    ratios = [left / truth for elapsed, left, truth in moments if elapsed >= total / 5 and truth >= 1]
    assert len(ratios) > 50
    assert min(ratios) >= 1 / 1.5
    assert max(ratios) <= 1.5


def test_nothing_is_known_before_the_total() -> None:
    work = WorkEstimate(Clock())
    work.add(outcome(100, 1.0))
    assert (work.count, work.fraction, work.seconds_left) == (1, 0.0, None)


def test_run_without_sources_is_done() -> None:
    work = WorkEstimate(Clock())
    work.total = 0.0
    assert (work.fraction, work.seconds_left) == (1.0, None)


def test_source_counts_once_and_pruned_outputs_do_not() -> None:
    work = WorkEstimate(Clock())
    work.add(outcome(100, 1.0))
    work.add(outcome(100, 1.0, rendition=1))
    work.add(Outcome(OutputRef(Source("b", "b", 100)), Pruned(5)))
    assert work.count == 1
    assert work.done == expected_work(100)


def test_sources_without_work_count_as_done_but_not_in_the_rate() -> None:
    clock = Clock()
    work = WorkEstimate(clock)
    work.expect(100, 100 * expected_work(4_000))
    work.add_without_work(50)
    for _ in range(10):
        clock.now += 1
        work.add(outcome(4_000, 1.0))
    assert work.fraction == pytest.approx(0.6)
    assert work.seconds_left == pytest.approx(40.0)


def test_sources_without_work_never_hide_the_rest() -> None:
    """Half of the unchanged ones are large: their work is not known, only that of all together."""
    clock = Clock()
    work = WorkEstimate(clock)
    work.expect(100, 50 * expected_work(1_000_000) + 50 * expected_work(4_000))
    work.add_without_work(95)
    clock.now += 1
    assert work.fraction == pytest.approx(0.95)
    assert work.seconds_left == pytest.approx(1 / 19)
    work.add_without_work(5)
    assert (work.fraction, work.seconds_left) == (1.0, 0.0)


def test_run_that_only_checks_has_a_time_left() -> None:
    clock = Clock()
    work = WorkEstimate(clock)
    work.total = 4 * expected_work(4_000)
    work.add(outcome(4_000))
    clock.now += 2
    assert work.seconds_left == pytest.approx(6.0)


def test_activities_of_nodes_do_not_count() -> None:
    work = WorkEstimate(Clock())
    work.total = 2 * expected_work(100)
    work.add(outcome(100, 1.0))
    work.observe([NodeActivity(worker="n", pictures=5, made=1, seconds=3.0)])
    assert work.seconds_left == pytest.approx(1.0)


def test_more_work_than_expected_is_never_more_than_all() -> None:
    work = WorkEstimate(Clock())
    work.total = expected_work(100)
    work.add(outcome(100_000, 1.0))
    assert (work.fraction, work.seconds_left) == (1.0, 0.0)


def test_samples_are_bounded() -> None:
    clock = Clock()
    work = WorkEstimate(clock)
    work.add(outcome(100, 1.0))
    for _ in range(5_000):
        clock.now += 0.1
        work.observe([])
    assert len(work._samples) <= 400  # noqa: SLF001
