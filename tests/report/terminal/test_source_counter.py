"""Tests of counting what is still to come."""

import itertools
from collections.abc import Callable, Iterator

import pytest

from forkresize.errors import SourceError
from forkresize.report.terminal.source_counter import SourceCounter


def _ticking() -> Callable[[], float]:
    return itertools.count(0.0, 0.001).__next__


def test_all_are_counted_in_the_end() -> None:
    ahead = SourceCounter(iter(range(23)), _ticking())
    steps = 0
    while not ahead.exhausted:
        ahead.advance()
        steps += 1
        assert ahead.count <= 6 * steps
    assert ahead.count == 23
    assert steps > 3


def test_an_endless_iterator_takes_only_the_time_allowed() -> None:
    ahead = SourceCounter(itertools.count(), _ticking())
    ahead.advance(0.1)
    assert 90 <= ahead.count <= 110
    assert not ahead.exhausted


def test_the_end_stays_the_end() -> None:
    ahead = SourceCounter(iter(()))
    ahead.advance()
    ahead.advance()
    assert (ahead.count, ahead.exhausted) == (0, True)


def test_without_an_iterator_nothing_is_ever_known() -> None:
    ahead = SourceCounter(None)
    ahead.advance()
    assert (ahead.count, ahead.exhausted) == (0, False)


@pytest.mark.parametrize("error", [SourceError("gone"), PermissionError("no")])
def test_a_walk_that_fails_leaves_the_total_unknown(error: Exception) -> None:
    def failing() -> Iterator[int]:
        yield from range(3)
        raise error

    ahead = SourceCounter(failing())
    ahead.advance(60.0)
    ahead.advance(60.0)
    assert (ahead.count, ahead.exhausted) == (3, False)


def test_a_bug_in_the_walk_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        SourceCounter(1 // 0 for _ in "x").advance()
