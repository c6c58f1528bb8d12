"""Chunks that a node leaves to others."""

import pytest

from forkresize.cluster.node import refusals
from forkresize.cluster.node.refusals import Refusals


class _Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_chunk_is_announced_once_after_a_moment() -> None:
    clock = _Clock()
    kept = Refusals(clock)
    kept.add(1, 7)
    kept.add(1, 7)
    assert kept.take() == []
    clock.now += 2
    assert kept.take() == [(1, 7)]
    clock.now += 2
    assert kept.take() == []


def test_many_chunks_are_announced_in_parts_and_no_run_waits_for_another() -> None:
    clock = _Clock()
    kept = Refusals(clock)
    for chunk in range(100):
        kept.add(1, chunk)
    kept.add(2, 0)
    clock.now += 2
    first = kept.take()
    assert first == [*((1, chunk) for chunk in range(12)), (2, 0)]
    assert kept.take() == []
    rest = kept.take(at_once=True)
    assert rest == [(1, chunk) for chunk in range(12, 100)]


def test_only_so_many_chunks_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "_MAX_CHUNKS", 3)
    kept = Refusals()
    for chunk in range(5):
        kept.add(1, chunk)
    assert kept.take(at_once=True) == [(1, 0), (1, 1), (1, 2)]


def test_reasons_are_new_once_for_each_of_several_runs_and_are_looked_at_again() -> None:
    clock = _Clock()
    kept = Refusals(clock)
    assert not kept.is_recent(1)
    assert [kept.note(run, "no") for run in (1, 2, 1, 2)] == [True, True, False, False]
    assert kept.note(1, "another reason")
    assert kept.is_recent(1)
    clock.now += 5
    assert not kept.is_recent(1)
