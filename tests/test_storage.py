import errno
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkresize import storage

names = st.binary(min_size=1, max_size=255).filter(
    lambda name: not set(name) & {0, ord("/")} and name not in {b".", b".."}
)


def test_a_file_is_written_whole_with_the_directories_on_its_way(tmp_path: Path) -> None:
    destination = tmp_path / "a" / "b" / "c.jpg"
    storage.write_atomic(str(destination), b"pixels", "tag")
    assert destination.read_bytes() == b"pixels"
    assert os.listdir(destination.parent) == ["c.jpg"]


def test_a_file_that_is_there_is_replaced(tmp_path: Path) -> None:
    destination = tmp_path / "a.jpg"
    destination.write_bytes(b"old and longer")
    storage.write_atomic(str(destination), b"new", "tag")
    assert destination.read_bytes() == b"new"


def test_a_link_that_is_there_is_replaced_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    source = tmp_path / "source.jpg"
    source.write_bytes(b"source")
    destination = tmp_path / "a.jpg"
    destination.symlink_to(source)
    storage.write_atomic(str(destination), b"new", "tag")
    assert source.read_bytes() == b"source"
    assert destination.read_bytes() == b"new"
    assert not destination.is_symlink()


def test_a_write_that_fails_half_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write

    def fill_up(descriptor: int, data: memoryview) -> int:
        if len(data) < 1000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data[:500])

    monkeypatch.setattr(os, "write", fill_up)
    with pytest.raises(OSError, match="No space left"):
        storage.write_atomic(str(tmp_path / "a.jpg"), bytes(2000), "tag")
    assert os.listdir(tmp_path) == []


def test_a_file_in_the_place_of_a_directory_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"file")
    with pytest.raises(NotADirectoryError):
        storage.write_atomic(str(tmp_path / "a" / "b.jpg"), b"", "tag")
    (tmp_path / "d").mkdir()
    with pytest.raises(IsADirectoryError):
        storage.write_atomic(str(tmp_path / "d"), b"", "tag")
    assert sorted(os.listdir(tmp_path)) == ["a", "d"]


@given(names)
def test_a_temporary_name_is_hidden_beside_its_file_and_never_too_long(name: bytes) -> None:
    destination = os.path.join("folder", os.fsdecode(name))
    folder, temporary = os.path.split(os.fsencode(storage.temporary_path(destination, "0123abcd")))
    assert folder == b"folder"
    assert temporary.startswith(b".")
    assert temporary.endswith(b".forkresize-0123abcd")
    assert len(temporary) <= 255


def test_what_a_dead_writer_left_is_removed(tmp_path: Path) -> None:
    destination = str(tmp_path / "a.jpg")
    Path(storage.temporary_path(destination, "tag")).write_bytes(b"half")
    storage.remove_temporary(destination, "tag")
    storage.remove_temporary(destination, "tag")
    assert os.listdir(tmp_path) == []


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(OSError, match="not a regular file"):
        storage.open_source(str(tmp_path / "fifo"))
    (tmp_path / "file").write_bytes(b"data")
    with storage.open_source(str(tmp_path / "file")) as file:
        assert file.read() == b"data"


def test_names_are_probed_for_what_the_file_system_takes_for_equal(tmp_path: Path) -> None:
    (tmp_path / "Probe").write_bytes(b"")
    assert storage.is_case_insensitive(str(tmp_path)) == (tmp_path / "pROBE").exists()
    assert os.listdir(tmp_path) == ["Probe"]
    assert storage.is_case_insensitive(str(tmp_path / "missing")) == (sys.platform == "darwin")


def test_a_directory_that_can_not_be_probed_counts_as_telling_names_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.NamedTemporaryFile", refuse)
    assert not storage.is_case_insensitive(str(tmp_path))
