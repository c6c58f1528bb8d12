"""A walk that yields nothing still ends when it is asked to stop."""

from collections.abc import Callable
from pathlib import Path

from forkresize.walk import Selection, roots, walk


def test_files_excluded_by_size_or_time_are_not_reported(
    top: Path, plant: Callable[..., None], found: Callable[..., list[object]]
) -> None:
    plant("a", "four", "sub/a-long-name")
    assert found(selection=Selection(min_size=2)) == ["four", "sub/a-long-name"]
    assert found("a", "four", selection=Selection(min_size=2)) == ["four"]
    assert found(selection=Selection(newer_than=(top / "a").stat().st_mtime_ns + 10**12)) == []


def test_a_walk_that_yields_nothing_can_be_stopped(top: Path, plant: Callable[..., None]) -> None:
    plant(*(f"{number:03}" for number in range(100)))
    calls = 0

    def should_stop() -> bool:
        nonlocal calls
        calls += 1
        return calls == 7

    assert list(walk(roots([str(top)]), Selection(min_size=9), should_stop=should_stop)) == []
    assert calls == 7


def test_a_list_that_yields_nothing_can_be_stopped(top: Path, plant: Callable[..., None]) -> None:
    plant("a", "b", "c", "long-name")
    starts = iter(roots([str(top / name) for name in ("a", "b", "c", "long-name")]))
    assert list(walk(starts, Selection(min_size=9), should_stop=lambda: True)) == []
    assert len(list(starts)) == 3
