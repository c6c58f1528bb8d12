"""A staged file gets the attributes that a file created in its place would have."""

import errno
import os
import shutil
import stat
import struct
import sys
import time
from pathlib import Path

import pytest

from forkresize.store import LocalStore

UNNAMED = 0xFFFFFFFF
"""The id of an entry for the owner, the group, the mask or others."""


def set_default_acl(directory: Path, group: int, other: int) -> None:
    """Let files that are created in a directory be read and written by one more user, and others by permissions."""
    entries = [(1, 6, UNNAMED), (2, 6, 4321), (4, group, UNNAMED), (16, 6, UNNAMED), (32, other, UNNAMED)]
    value = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    try:
        os.setxattr(directory, "system.posix_acl_default", value)  # type: ignore[attr-defined, unused-ignore]
    except OSError as error:
        if error.errno != errno.ENOTSUP:
            raise
        pytest.skip("this file system has no access control lists")


def attributes(path: Path) -> tuple[int, int, int, bytes | None]:
    found = path.stat()
    acl = None
    if "system.posix_acl_access" in os.listxattr(path):  # type: ignore[attr-defined, unused-ignore]
        acl = os.getxattr(path, "system.posix_acl_access")  # type: ignore[attr-defined, unused-ignore]
    return found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode), acl


def adopt(root: Path, key: str, *, keep_attributes: bool = False) -> Path:
    store = LocalStore(str(root), "1a2b3c4d")
    with store.staging() as staging:
        staged = staging.new_key()
        store.stage(staged, b"pixels")
        os.utime(store.location(staged), ns=(5, 5))
        staging.adopt(staged, key, keep_attributes=keep_attributes)
        assert os.listdir(staging.location) == []
    assert (root / key).read_bytes() == b"pixels"
    return root / key


def create(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"pixels")
    return path


@pytest.mark.skipif(sys.platform != "linux", reason="Linux has these access control lists")
@pytest.mark.parametrize("key", ["a.jpg", "sub/a.jpg", "sub/new/a.jpg"])
@pytest.mark.parametrize("owner", ["", "sub"])
def test_an_output_gets_the_access_control_list_of_its_directory(tmp_path: Path, key: str, owner: str) -> None:
    (tmp_path / "sub").mkdir()
    set_default_acl(tmp_path / owner, 4, 0)
    assert attributes(adopt(tmp_path, key)) == attributes(create((tmp_path / key).with_name("b.jpg")))


@pytest.mark.skipif(sys.platform != "linux", reason="Linux has these access control lists")
def test_an_access_control_list_of_the_destination_ends_where_a_directory_has_none(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    set_default_acl(tmp_path, 4, 0)
    adopted = attributes(adopt(tmp_path, "sub/a.jpg"))
    assert adopted == attributes(create(tmp_path / "sub/b.jpg"))
    assert adopted[3] is None


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="root can give a directory any group")
@pytest.mark.parametrize("key", ["a.jpg", "sub/a.jpg", "sub/new/a.jpg"])
@pytest.mark.parametrize("owner", ["", "sub"])
def test_an_output_gets_the_group_that_its_directory_gives(tmp_path: Path, key: str, owner: str) -> None:
    (tmp_path / "sub").mkdir()
    os.chown(tmp_path / owner, -1, 4321)
    os.chmod(tmp_path / owner, stat.S_ISGID | stat.S_IRWXU)
    adopted = adopt(tmp_path, key)
    assert adopted.stat().st_gid == create(adopted.with_name("b.jpg")).stat().st_gid
    if adopted.parent == tmp_path / owner:
        assert adopted.stat().st_gid == 4321


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="root can give a directory any group")
def test_attributes_that_are_to_be_kept_are_kept(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    os.chown(tmp_path / "sub", -1, 4321)
    os.chmod(tmp_path / "sub", stat.S_ISGID | stat.S_IRWXU)
    found = adopt(tmp_path, "sub/a.jpg", keep_attributes=True).stat()
    assert (found.st_gid, found.st_mtime_ns) == (os.getegid(), 5)


def test_outputs_of_several_directories_get_their_places_though_one_is_removed_and_one_replaced(tmp_path: Path) -> None:
    store = LocalStore(str(tmp_path), "1a2b3c4d")
    with store.staging() as staging:

        def add(key: str) -> None:
            staged = staging.new_key()
            store.stage(staged, key.encode())
            staging.adopt(staged, key)

        for key in ("a/1", "a/2", "b/c/3", "4", "a/5"):
            add(key)
        shutil.rmtree(tmp_path / "a")
        add("a/6")
        (tmp_path / "a").rename(tmp_path / "moved")
        (tmp_path / "a").symlink_to(tmp_path / "b")
        # The directory of the last output stays open for a moment: never is a link followed.
        time.sleep(0.06)
        with pytest.raises(OSError, match="symbolic link"):
            add("a/7")
    files = {str(path.relative_to(tmp_path)): path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {key.replace("a/", "moved/"): key for key in ("a/6", "b/c/3", "4")}
