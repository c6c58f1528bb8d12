"""The local store's faults: full disks, directories in the way, killed writers, links, missing permission."""

import errno
import os
import pickle
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from typing import Any

import pytest

from forkresize.store import ChangedError, LocalStore, ObjectKind, PutOptions
from forkresize.store.beneath import LinkError


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(str(tmp_path / "out"), "0123abcd")


def fail(code: int) -> Callable[..., int]:
    def refuse(*_: object, **__: object) -> int:
        raise OSError(code, os.strerror(code))

    return refuse


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
@pytest.mark.parametrize("function", ["write", "rename"])
def test_a_put_that_fails_keeps_the_old_object_and_leaves_nothing(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch, function: str, code: int
) -> None:
    store.put("a.jpg", b"old")
    monkeypatch.setattr(os, function, fail(code))
    with pytest.raises(OSError, match=os.strerror(code)) as refusal:
        store.put("a.jpg", b"new")
    assert refusal.value.errno == code
    monkeypatch.undo()
    assert os.listdir(store.root) == ["a.jpg"]
    assert Path(store.location("a.jpg")).read_bytes() == b"old"


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS])
def test_a_put_without_permission_is_refused_with_its_errno(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    store.put("a.jpg", b"old")
    monkeypatch.setattr(os, "open", fail(code))
    with pytest.raises(OSError, match=os.strerror(code)) as refusal:
        store.put("b.jpg", b"new")
    assert refusal.value.errno == code
    monkeypatch.undo()
    assert os.listdir(store.root) == ["a.jpg"]


def test_a_directory_in_the_way_is_reported_and_stays(store: LocalStore) -> None:
    store.put("a/b.jpg", b"")
    with pytest.raises(IsADirectoryError):
        store.put("a", b"data")
    with pytest.raises(NotADirectoryError):
        store.put("a/b.jpg/c.jpg", b"data")
    with pytest.raises(NotADirectoryError):
        store.stat("a/b.jpg/c.jpg")
    found = store.stat("a")
    assert found is not None
    assert found.kind is ObjectKind.DIRECTORY
    assert [info.key for info in store.scan()] == ["a/b.jpg"]


def test_links_and_pipes_are_other_than_files_and_not_followed(store: LocalStore, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "precious").write_bytes(b"precious")
    os.symlink(tmp_path / "precious", store.location("link"))
    os.mkfifo(store.location("pipe"))
    for key in ("link", "pipe"):
        found = store.stat(key)
        assert found is not None
        assert found.kind is ObjectKind.OTHER
    with pytest.raises(OSError, match="not a regular file"):
        store.open("pipe")
    store.put("link", b"new")
    assert (tmp_path / "precious").read_bytes() == b"precious"
    assert not os.path.islink(store.location("link"))


def test_a_put_to_a_full_disk_leaves_no_part(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write

    def fill_up(descriptor: int, data: memoryview) -> int:
        if len(data) < 1000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data[:500])

    monkeypatch.setattr(os, "write", fill_up)
    with pytest.raises(OSError, match="No space left"):
        store.put("a.jpg", bytes(2000))
    assert os.listdir(store.root) == []


def test_nothing_is_written_dated_or_removed_through_a_link(store: LocalStore, tmp_path: Path) -> None:
    store.put("inside/b.jpg", b"inside")
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/a.jpg").write_bytes(b"precious")
    before = (tmp_path / "precious/a.jpg").stat()
    for name, target in (("out", tmp_path / "precious"), ("up", ".."), ("beside", "inside"), ("gone", "nowhere")):
        os.symlink(target, store.location(name))
        actions = [
            lambda key: store.put(key, b"new"),
            lambda key: store.set_mtime(key, 1),
            store.delete,
        ]
        for action in actions:
            for key in (f"{name}/a.jpg", f"{name}/b.jpg", f"{name}/deep/c.jpg"):
                with pytest.raises(LinkError, match=f"out/{name} is a symbolic link"):
                    action(key)
    assert (tmp_path / "precious/a.jpg").stat() == before
    assert os.listdir(tmp_path / "precious") == ["a.jpg"]
    assert os.listdir(store.location("inside")) == ["b.jpg"]


def test_outputs_a_thousand_directories_deep_are_written_found_and_removed(deep_path: Path) -> None:
    store = LocalStore(str(deep_path), "0123abcd")
    key = "d/" * 1000 + "a.jpg"
    store.put(key, b"deep")
    assert [info.key for info in store.scan()] == [key]
    store.set_mtime(key, 10**18)
    found = store.stat(key)
    assert found is not None
    assert found.mtime_ns == 10**18
    store.delete(key)
    assert os.listdir(store.root) == []


def test_delete_removes_empty_directories_but_not_the_store(store: LocalStore) -> None:
    store.put("a/b/c.jpg", b"")
    store.put("a/d.jpg", b"")
    store.delete("a/b/c.jpg")
    assert os.listdir(store.location("a")) == ["d.jpg"]
    store.delete("a/d.jpg")
    assert os.listdir(store.root) == []


def test_a_store_without_a_root_opens_any_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jpg").write_bytes(b"pixels")
    monkeypatch.chdir(tmp_path)
    everywhere = LocalStore("")
    for key in ("a.jpg", str(tmp_path / "a.jpg"), "./a.jpg"):
        assert everywhere.location(key) == key
        with everywhere.open(key) as file:
            assert file.read() == b"pixels"


def test_a_store_crosses_to_another_process(store: LocalStore) -> None:
    copy = pickle.loads(pickle.dumps(store))  # noqa: S301 (made here)
    copy.put("a.jpg", b"pixels")
    assert (copy.root, copy.run_id) == (store.root, store.run_id)
    assert [info.key for info in store.scan()] == ["a.jpg"]


@pytest.mark.parametrize("root", ["out", "out/", "./out", "."])
def test_locations_start_with_the_directory_as_it_was_named(root: str) -> None:
    store = LocalStore(root)
    assert store.location("a/b.jpg") == os.path.join(root, "a/b.jpg")
    assert store.location("") == root


def test_scan_passes_over_directories_that_cannot_be_read(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put("a/b.jpg", b"")
    store.put("c.jpg", b"")
    scandir = os.scandir

    def refuse(path: str) -> object:
        if path.endswith("a/"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert [info.key for info in store.scan()] == ["c.jpg"]


def test_scan_leaves_out_the_state_directory_and_temporary_files(store: LocalStore) -> None:
    for key in ("a.jpg", ".forkresize/ledger.db", ".a.jpg.forkresize-0123abcd", "b/.forkresize/x"):
        store.put(key, b"")
    assert [info.key for info in store.scan()] == ["a.jpg"]


def test_a_file_is_created_where_files_have_one_name_only(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", fail(errno.EPERM))
    store.put("a.jpg", b"pixels", PutOptions(create=True))
    assert os.listdir(store.root) == ["a.jpg"]
    with pytest.raises(FileExistsError):
        store.put("a.jpg", b"more", PutOptions(create=True))
    assert Path(store.location("a.jpg")).read_bytes() == b"pixels"


@pytest.mark.parametrize("code", [errno.EIO, errno.EEXIST])
def test_a_file_that_cannot_be_created_leaves_nothing(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setattr(os, "link", fail(code))
    with pytest.raises(OSError, match=r".") as refusal:
        store.put("a.jpg", b"pixels", PutOptions(create=True))
    assert refusal.value.errno == code
    assert os.listdir(store.root) == []


def test_a_file_that_changes_while_it_is_copied_is_not_fetched(store: LocalStore, tmp_path: Path) -> None:
    store.put("a.jpg", b"pixels")

    class Interrupted(FileIO):
        def write(self, data: Any, /) -> int:
            with open(store.location("a.jpg"), "ab") as file:
                file.write(b"more")
            return super().write(data)

    with Interrupted(tmp_path / "copy", "w+") as file, pytest.raises(ChangedError):
        store.fetch("a.jpg", file)
