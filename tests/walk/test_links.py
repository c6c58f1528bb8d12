"""Which symbolic links are followed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forkresize.job import Source
from forkresize.outcome import Reason
from forkresize.walk import Selection, Symlinks, roots, walk

Helper = Callable[..., Any]
FOLLOW = Selection(symlinks=Symlinks.FOLLOW)


@pytest.fixture(autouse=True)
def _planted(top: Path, plant: Helper) -> None:
    plant("a", "d/b")
    (top / "to_directory").symlink_to("d")
    (top / "to_file").symlink_to("d/b")


def test_links_to_files_are_followed_and_links_to_directories_skipped_by_default(found: Helper) -> None:
    assert found() == ["a", "d/b", ("to_directory", Reason.SYMBOLIC_LINK, "to a directory"), "to_file"]


def test_a_followed_link_has_the_size_and_time_of_its_target(top: Path) -> None:
    *_, last = walk(roots([str(top)]), Selection())

    assert last == Source(f"{top}/to_file", "to_file", 3, (top / "d/b").stat().st_mtime_ns)


def test_skip_skips_all_links(top: Path, found: Helper) -> None:
    (top / "dangling").symlink_to("nowhere")

    assert found(selection=Selection(symlinks=Symlinks.SKIP)) == [
        "a",
        "d/b",
        ("dangling", Reason.SYMBOLIC_LINK, ""),
        ("to_directory", Reason.SYMBOLIC_LINK, ""),
        ("to_file", Reason.SYMBOLIC_LINK, ""),
    ]


def test_follow_follows_all_links(found: Helper) -> None:
    assert found(selection=FOLLOW) == ["a", "d/b", "to_directory/b", "to_file"]


def test_links_below_the_maximum_depth_are_not_reported(found: Helper) -> None:
    assert found(selection=Selection(recursive=False)) == ["a", "to_file"]


def test_loops_are_broken(top: Path, found: Helper) -> None:
    (top / "d/self").symlink_to(".")
    (top / "d/up").symlink_to("..")

    assert found(selection=FOLLOW) == [
        "a",
        "d/b",
        ("d/self", Reason.SYMBOLIC_LINK, f"leads back to {top}/d"),
        ("d/up", Reason.SYMBOLIC_LINK, f"leads back to {top}"),
        "to_directory/b",
        ("to_directory/self", Reason.SYMBOLIC_LINK, f"leads back to {top}/to_directory"),
        ("to_directory/up", Reason.SYMBOLIC_LINK, f"leads back to {top}"),
        "to_file",
    ]


def test_a_loop_through_a_directory_above_the_source_is_broken(top: Path, found: Helper) -> None:
    (top / "d/out").symlink_to(top)

    assert found("d", selection=FOLLOW) == [
        "b",
        "out/a",
        ("out/d", Reason.SYMBOLIC_LINK, f"leads back to {top}/d"),
        ("out/to_directory", Reason.SYMBOLIC_LINK, f"leads back to {top}/d"),
        "out/to_file",
    ]


@pytest.mark.parametrize("symlinks", [None, Symlinks.FOLLOW])
def test_dangling_links_fail(top: Path, found: Helper, symlinks: Symlinks | None) -> None:
    (top / "d/dangling").symlink_to("nowhere")
    (top / "d/round").symlink_to("round")

    assert found("d", selection=Selection(symlinks=symlinks)) == [
        "b",
        ("dangling", Reason.UNREADABLE, "dangling symbolic link"),
        ("round", Reason.UNREADABLE, "Too many levels of symbolic links"),
    ]


@pytest.mark.parametrize("symlinks", [None, *Symlinks])
def test_a_link_that_is_named_as_source_is_followed(found: Helper, symlinks: Symlinks | None) -> None:
    assert found("to_directory", selection=Selection(symlinks=symlinks)) == ["b"]
    assert found("to_file", selection=Selection(symlinks=symlinks)) == ["to_file"]
