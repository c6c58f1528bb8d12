"""Counting sources a little at a time."""

import itertools
from collections.abc import Callable, Iterator

import pytest

from forkresize.errors import SourceError
from forkresize.report.terminal.source_counter import SourceCounter
from forkresize.report.work import expected_work


def _ticking() -> Callable[[], float]:
    return itertools.count(0.0, 0.001).__next__


def test_all_items_are_counted_in_small_steps() -> None:
    counter = SourceCounter(iter([1] * 23), _ticking())
    steps = 0
    while not counter.exhausted:
        counter.advance()
        steps += 1
        assert counter.count <= 6 * steps
    assert counter.count == 23
    assert steps > 3


def test_endless_iterator_takes_only_the_time_allowed() -> None:
    counter = SourceCounter(itertools.repeat(1), _ticking())
    counter.advance(0.1)
    assert 90 <= counter.count <= 110
    assert not counter.exhausted


def test_exhausted_counter_stays_exhausted() -> None:
    counter = SourceCounter(iter(()))
    counter.advance()
    counter.advance()
    assert (counter.count, counter.exhausted) == (0, True)


def test_source_that_has_nothing_yet_ends_a_step() -> None:
    counter = SourceCounter(iter([1, 1, None, 1]))
    counter.advance(60.0)
    assert (counter.count, counter.exhausted) == (2, False)
    counter.advance(60.0)
    assert (counter.count, counter.exhausted) == (3, True)


def test_counter_without_iterator_never_counts() -> None:
    counter = SourceCounter(None)
    counter.advance()
    assert (counter.count, counter.exhausted) == (0, False)


def test_work_is_added_up_and_empty_files_count() -> None:
    counter = SourceCounter(iter([0, 4_000, 1_000_000]))
    counter.advance(60.0)
    assert counter.count == 3
    assert counter.work == sum(map(expected_work, (0, 4_000, 1_000_000)))


@pytest.mark.parametrize("error", [SourceError("gone"), PermissionError("no")])
def test_failing_iterator_leaves_the_total_unknown(error: Exception) -> None:
    def failing() -> Iterator[int]:
        yield from [1, 1, 1]
        raise error

    counter = SourceCounter(failing())
    counter.advance(60.0)
    counter.advance(60.0)
    assert (counter.count, counter.exhausted) == (3, False)


def test_bugs_in_the_iterator_are_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        SourceCounter(1 // 0 for _ in "x").advance()
