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


def test_what_is_no_file_is_skipped(top: Path, found: Helper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(top)  # The path of a socket may have no more than a hundred bytes.
    os.mkfifo("fifo")
    (top / "link").symlink_to("fifo")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")

        assert found() == [(name, Reason.NOT_A_FILE, "") for name in ("fifo", "link", "socket")]
    assert found("/dev/null") == [("null", Reason.NOT_A_FILE, "")]


def test_a_listed_name_that_does_not_exist_fails_alone(top: Path, plant: Helper, tell: Helper) -> None:
    plant("a")

    assert tell(walk(roots_from_names(["missing", "a", "a/b"], str(top)), Selection())) == [
        ("missing", Reason.UNREADABLE, "does not exist"),
        "a",
        ("a/b", Reason.UNREADABLE, "Not a directory"),
    ]


@pytest.mark.parametrize("refused", ["", "b"])
def test_a_directory_that_may_not_be_read_fails_alone(
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


class TestChangesMeanwhile:
    @pytest.fixture
    def rest(self, top: Path, plant: Helper, tell: Helper) -> Callable[[Callable[[], object]], Any]:
        """Walks ``a``, makes a change, and tells of the rest."""

        def rest(change: Callable[[], object]) -> Any:
            plant("a", "b", "c/d", "z")
            walking = walk(roots([str(top)]), Selection())
            next(walking)
            change()
            return tell(walking)

        return rest

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

    def test_what_is_added_to_a_directory_not_yet_entered_is_found(self, plant: Helper, rest: Helper) -> None:
        assert rest(lambda: plant("c/e", "y")) == ["b", "c/d", "c/e", "z"]


class TestDepth:
    def test_a_thousand_levels_are_walked(self, top: Path, found: Helper) -> None:
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

    def test_a_path_too_long_for_the_system_fails_alone(
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
