"""The state directory and its files: nothing that others planted is followed, waited for or overwritten."""

import os
import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from forkresize.store.state_dir import open_state_file, state_dir


def plant_socket(path: Path, _: Path) -> None:
    with closing(socket.socket(socket.AF_UNIX)) as server:
        server.bind(os.path.relpath(path))


PLANTS: dict[str, Callable[[Path, Path], object]] = {
    "a symbolic link": lambda path, canary: path.symlink_to(canary),
    "a directory": lambda path, _: path.mkdir(),
    "a named pipe": lambda path, _: os.mkfifo(path),
    "a socket": plant_socket,
    "a file that has other names": lambda path, canary: path.hardlink_to(canary),
}


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    path = tmp_path / "canary"
    path.write_bytes(b"precious")
    return path


@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_RDWR, os.O_RDWR | os.O_CREAT])
@pytest.mark.parametrize("kind", PLANTS)
def test_only_a_regular_file_with_one_name_is_opened(
    tmp_path: Path, canary: Path, kind: str, flags: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    PLANTS[kind](tmp_path / "lock", canary)
    with state_dir(str(tmp_path)) as directory, pytest.raises(OSError, match=f"{kind}.*remove it") as refused:
        open_state_file(directory, "some/lock", flags)
    assert refused.value.filename == "some/lock"
    assert canary.read_bytes() == b"precious"


def test_a_missing_file_is_created_if_asked_for(tmp_path: Path) -> None:
    with state_dir(str(tmp_path)) as directory:
        with pytest.raises(FileNotFoundError):
            open_state_file(directory, "lock", os.O_RDWR)
        os.close(open_state_file(directory, "lock", os.O_RDWR | os.O_CREAT))
        os.close(open_state_file(directory, "lock", os.O_RDONLY))
    assert (tmp_path / "lock").read_bytes() == b""


@pytest.mark.parametrize("target", ["directory", "missing"])
def test_a_link_is_not_a_state_directory(tmp_path: Path, target: str) -> None:
    (tmp_path / "directory").mkdir()
    (tmp_path / "state").symlink_to(target)
    with pytest.raises(NotADirectoryError, match="a symbolic link in the place of a directory; remove it"):
        state_dir(str(tmp_path / "state")).__enter__()


def test_a_file_is_not_a_state_directory_and_neither_is_what_lies_below_one(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="a file in the place of a directory; remove it"):
        state_dir(str(tmp_path / "file")).__enter__()
    with pytest.raises(NotADirectoryError, match="Not a directory"):
        state_dir(str(tmp_path / "file/below")).__enter__()
