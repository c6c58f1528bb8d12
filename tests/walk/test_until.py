from collections.abc import Callable
from pathlib import Path

from forkresize.walk import Selection, roots, walk


def test_size_and_time_leave_files_out_without_a_word(
    top: Path, plant: Callable[..., None], found: Callable[..., list[object]]
) -> None:
    plant("a", "four", "sub/a-long-name")
    assert found(selection=Selection(min_size=2)) == ["four", "sub/a-long-name"]
    assert found("a", "four", selection=Selection(min_size=2)) == ["four"]
    assert found(selection=Selection(newer_than=(top / "a").stat().st_mtime_ns + 10**12)) == []


def test_a_walk_of_which_nothing_is_taken_can_be_ended(top: Path, plant: Callable[..., None]) -> None:
    plant(*(f"{number:03}" for number in range(100)))
    asked = 0

    def until() -> bool:
        nonlocal asked
        asked += 1
        return asked == 7

    assert list(walk(roots([str(top)]), Selection(min_size=9), until=until)) == []
    assert asked == 7


def test_a_list_of_which_nothing_is_taken_can_be_ended(top: Path, plant: Callable[..., None]) -> None:
    plant("a", "b", "c", "long-name")
    starts = iter(roots([str(top / name) for name in ("a", "b", "c", "long-name")]))
    assert list(walk(starts, Selection(min_size=9), until=lambda: True)) == []
    assert len(list(starts)) == 3
