import os
from collections.abc import Callable
from io import FileIO
from pathlib import Path

import pytest

from forkresize.pool import WithFiles, sealed_memfd
from forkresize.pool.files import close_files, is_sealed, seal, to_files

pytestmark = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="needs memfds")


def test_sealed_memfd_cannot_be_changed() -> None:
    with sealed_memfd(bytearray(b"pixels")) as file:
        assert file.read() == b"pixels"
        changes: list[Callable[[], object]] = [lambda: file.write(b"x"), lambda: os.ftruncate(file.fileno(), 0)]
        for change in changes:
            with pytest.raises(PermissionError):
                change()


def test_only_sealed_memfds_count_as_sealed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x")
    with sealed_memfd(b"") as sealed, path.open("rb") as file:
        assert is_sealed(sealed.fileno())
        assert not is_sealed(file.fileno())
    directory = os.open(tmp_path, os.O_RDONLY)
    assert not is_sealed(directory)
    os.close(directory)
    assert not is_sealed(directory)


def test_seal_is_idempotent_and_refuses_other_files(tmp_path: Path) -> None:
    with FileIO(os.memfd_create("x", os.MFD_ALLOW_SEALING), "r+b") as file:
        seal(file)
        seal(file)
        assert is_sealed(file.fileno())
    with FileIO(tmp_path / "file", "w") as plain, pytest.raises(ValueError, match="not a memfd that can be sealed"):
        seal(plain)


def test_failed_write_leaves_no_file_open() -> None:
    before = len(os.listdir("/dev/fd"))
    with pytest.raises(TypeError):
        sealed_memfd("text")  # type: ignore[arg-type]
    assert len(os.listdir("/dev/fd")) == before


def test_files_of_an_item_are_closed_once_even_if_a_descriptor_is_gone() -> None:
    files = to_files(os.memfd_create("x") for _ in range(2))
    os.close(files[0].fileno())
    for _ in range(2):
        close_files(WithFiles("x", files))
    assert [file.closed for file in files] == [True, True]
    close_files("an item without files")
