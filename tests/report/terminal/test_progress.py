"""Tests of how far a run has come."""

from collections.abc import Callable

import pytest

from forkresize.outcome import Failed, Unchanged, Written
from forkresize.report.terminal.progress import Progress, ProgressSnapshot


@pytest.fixture
def now() -> list[float]:
    return [100.0]


def test_nothing_is_claimed_before_anything_happened(now: list[float]) -> None:
    progress = Progress(None, lambda: now[0])
    assert progress.standing() == ProgressSnapshot(done=0, failed=0, total=0, exact=False)


def test_rates_count_what_was_written(
    now: list[float], written: Callable[..., Written], unchanged: Callable[..., Unchanged]
) -> None:
    progress = Progress(None, lambda: now[0])
    for outcome in (written(), written(), unchanged()):
        progress.tally(outcome)
    now[0] += 4
    progress.take_sample()
    standing = progress.standing()
    assert (standing.pictures_per_second, standing.megapixels_per_second) == (0.5, 6.0)
    assert (standing.done, standing.total, standing.exact, standing.seconds_left) == (3, 3, False, None)


def test_the_time_left_is_told_once_the_total_is_known(now: list[float], failed: Callable[..., Failed]) -> None:
    progress = Progress(iter(range(10)), lambda: now[0])
    progress.tally(failed())
    progress.tally(failed())
    now[0] += 1
    progress.take_sample()
    assert progress.standing().seconds_left is None
    progress.look_ahead()
    standing = progress.standing()
    assert (standing.done, standing.failed, standing.total, standing.exact) == (2, 2, 10, True)
    assert standing.seconds_left == 4.0


def test_the_total_is_never_less_than_what_is_done(now: list[float], unchanged: Callable[..., Unchanged]) -> None:
    progress = Progress(iter(range(1)), lambda: now[0])
    progress.look_ahead()
    progress.tally(unchanged())
    progress.tally(unchanged())
    assert progress.standing().total == 2


def test_rates_forget_what_is_long_past(now: list[float], written: Callable[..., Written]) -> None:
    progress = Progress(None, lambda: now[0])
    for _ in range(1_000):
        progress.tally(written())
    for _ in range(200):
        now[0] += 0.1
        progress.take_sample()
    assert progress.standing().pictures_per_second == 0.0
