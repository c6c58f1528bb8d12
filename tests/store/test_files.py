"""The functions on single files: atomic writes, temporary names, case sensitivity."""

import errno
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkresize.store import files

names = st.binary(min_size=1, max_size=255).filter(
    lambda name: not set(name) & {0, ord("/")} and name not in {b".", b".."}
)


def test_write_atomic_creates_missing_directories(tmp_path: Path) -> None:
    destination = tmp_path / "a" / "b" / "c.jpg"
    files.write_atomic(str(destination), b"pixels", "tag")
    assert destination.read_bytes() == b"pixels"
    assert os.listdir(destination.parent) == ["c.jpg"]


def test_write_atomic_replaces_an_existing_file(tmp_path: Path) -> None:
    destination = tmp_path / "a.jpg"
    destination.write_bytes(b"old and longer")
    files.write_atomic(str(destination), b"new", "tag")
    assert destination.read_bytes() == b"new"


def test_write_atomic_replaces_a_link_and_keeps_its_target(tmp_path: Path) -> None:
    source = tmp_path / "source.jpg"
    source.write_bytes(b"source")
    destination = tmp_path / "a.jpg"
    destination.symlink_to(source)
    files.write_atomic(str(destination), b"new", "tag")
    assert source.read_bytes() == b"source"
    assert destination.read_bytes() == b"new"
    assert not destination.is_symlink()


def test_a_failed_write_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write

    def fill_up(descriptor: int, data: memoryview) -> int:
        if len(data) < 1000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data[:500])

    monkeypatch.setattr(os, "write", fill_up)
    with pytest.raises(OSError, match="No space left"):
        files.write_atomic(str(tmp_path / "a.jpg"), bytes(2000), "tag")
    assert os.listdir(tmp_path) == []


def test_a_directory_in_the_way_is_an_error_and_leaves_no_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"file")
    with pytest.raises(NotADirectoryError):
        files.write_atomic(str(tmp_path / "a" / "b.jpg"), b"", "tag")
    (tmp_path / "d").mkdir()
    with pytest.raises(IsADirectoryError):
        files.write_atomic(str(tmp_path / "d"), b"", "tag")
    assert sorted(os.listdir(tmp_path)) == ["a", "d"]


@given(names)
def test_a_temporary_name_is_hidden_in_the_same_directory_and_at_most_255_bytes(name: bytes) -> None:
    destination = os.path.join("folder", os.fsdecode(name))
    folder, temporary = os.path.split(os.fsencode(files.temporary_path(destination, "0123abcd")))
    assert folder == b"folder"
    assert temporary.startswith(b".")
    assert temporary.endswith(b".forkresize-0123abcd")
    assert len(temporary) <= 255


def test_remove_temporary_removes_what_a_killed_writer_left(tmp_path: Path) -> None:
    destination = str(tmp_path / "a.jpg")
    Path(files.temporary_path(destination, "tag")).write_bytes(b"half")
    files.remove_temporary(destination, "tag")
    files.remove_temporary(destination, "tag")
    assert os.listdir(tmp_path) == []


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(OSError, match="not a regular file"):
        files.open_source(str(tmp_path / "fifo"))
    (tmp_path / "file").write_bytes(b"data")
    with files.open_source(str(tmp_path / "file")) as file:
        assert file.read() == b"data"


def test_case_sensitivity_is_probed_without_leaving_a_file(tmp_path: Path) -> None:
    (tmp_path / "Probe").write_bytes(b"")
    assert files.is_case_insensitive(str(tmp_path)) == (tmp_path / "pROBE").exists()
    assert os.listdir(tmp_path) == ["Probe"]
    assert files.is_case_insensitive(str(tmp_path / "missing")) == (sys.platform == "darwin")


def test_an_unwritable_directory_is_assumed_to_be_case_sensitive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.NamedTemporaryFile", refuse)
    assert not files.is_case_insensitive(str(tmp_path))
