"""What cannot be read fails alone; special files are skipped."""

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forkresize.outcome import Reason
from forkresize.walk import Selection, Symlinks, roots, roots_from_names, walk

Helper = Callable[..., Any]


def test_pipes_sockets_and_devices_are_skipped(top: Path, found: Helper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(top)  # The path of a socket may have no more than a hundred bytes.
    os.mkfifo("fifo")
    (top / "link").symlink_to("fifo")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")

        assert found() == [(name, Reason.NOT_A_FILE, "") for name in ("fifo", "link", "socket")]
    assert found("/dev/null") == [("null", Reason.NOT_A_FILE, "")]


def test_a_listed_name_that_does_not_exist_fails_alone(top: Path, plant: Helper, summarize: Helper) -> None:
    plant("a")

    assert summarize(walk(roots_from_names(["missing", "a", "a/b"], str(top)), Selection())) == [
        ("missing", Reason.UNREADABLE, "does not exist"),
        "a",
        ("a/b", Reason.UNREADABLE, "Not a directory"),
    ]


@pytest.mark.parametrize("refused", ["", "b"])
def test_an_unreadable_directory_fails_alone(
    top: Path, plant: Helper, found: Helper, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    plant("a/1", "b/1", "c/1")
    scandir = os.scandir

    def refuse(path: str) -> object:
        if os.path.samefile(path, top / refused):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)

    failed = (refused, Reason.UNREADABLE, "Permission denied")
    assert found() == (["a/1", failed, "c/1"] if refused else [failed])


class TestChangesDuringTheWalk:
    @pytest.fixture
    def rest(self, top: Path, plant: Helper, summarize: Helper) -> Callable[[Callable[[], object]], Any]:
        """Walk ``a``, make a change, and return the rest of the walk."""

        def walk_on(change: Callable[[], object]) -> Any:
            plant("a", "b", "c/d", "z")
            walking = walk(roots([str(top)]), Selection())
            next(walking)
            change()
            return summarize(walking)

        return walk_on

    def test_a_file_that_vanishes_fails(self, top: Path, rest: Helper) -> None:
        assert rest((top / "b").unlink) == [("b", Reason.UNREADABLE, "vanished"), "c/d", "z"]

    def test_a_directory_that_vanishes_fails(self, top: Path, rest: Helper) -> None:
        assert rest(lambda: shutil.rmtree(top / "c")) == ["b", ("c", Reason.UNREADABLE, "vanished"), "z"]

    def test_a_directory_that_becomes_a_file_fails(self, top: Path, plant: Helper, rest: Helper) -> None:
        def change() -> None:
            shutil.rmtree(top / "c")
            plant("c")

        assert rest(change) == ["b", ("c", Reason.UNREADABLE, "Not a directory"), "z"]

    def test_a_file_that_becomes_a_directory_is_skipped(self, top: Path, plant: Helper, rest: Helper) -> None:
        def change() -> None:
            (top / "b").unlink()
            plant("b/e")

        assert rest(change) == [("b", Reason.NOT_A_FILE, ""), "c/d", "z"]

    def test_files_added_to_a_directory_before_it_is_entered_are_found(self, plant: Helper, rest: Helper) -> None:
        assert rest(lambda: plant("c/e", "y")) == ["b", "c/d", "c/e", "z"]


class TestDepth:
    def test_a_tree_of_a_thousand_levels_is_walked(self, top: Path, found: Helper) -> None:
        levels = [str(top) + "/d" * depth for depth in range(1, 1001)]
        for level in levels:
            os.mkdir(level)
        deepest = Path(levels[-1], "a")
        deepest.touch()

        try:
            assert found(selection=Selection(symlinks=Symlinks.FOLLOW)) == ["d/" * 1000 + "a"]
        finally:
            deepest.unlink()
            for level in reversed(levels):  # pytest's own removal recurses.
                os.rmdir(level)

    def test_a_path_that_is_too_long_fails_alone(
        self, top: Path, plant: Helper, found: Helper, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plant("z")
        name = "d" * 200
        for directory in [top] + [Path(name)] * 25:
            monkeypatch.chdir(directory)
            os.mkdir(name)

        failed, last = found()

        assert failed[1:] == (Reason.UNREADABLE, "File name too long")
        assert last == "z"
