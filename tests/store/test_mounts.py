"""Which file systems are local, from what the kernel lists."""

import os
from io import FileIO
from pathlib import Path

import pytest

from forkresize.store import mounts
from forkresize.store.mounts import find_type, is_on_local_disk

_LIST = r"""22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw
30 22 0:40 / /srv/photos rw - nfs4 server:/photos rw
31 30 0:41 / /srv/photos/local rw master:1 propagate_from:2 - xfs /dev/sdb1 rw
32 22 0:42 / /srv/with\040space rw - fuse.sshfs host:/ rw
33 22 0:43 / /srv/twice rw - cifs //host/a rw
34 22 0:44 / /srv/twice rw - tmpfs tmpfs rw
"""


@pytest.fixture
def listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mountinfo").write_text(_LIST)
    monkeypatch.setattr(mounts, "_MOUNTS", str(tmp_path / "mountinfo"))


@pytest.mark.usefixtures("listed")
@pytest.mark.parametrize(
    ("folder", "kind"),
    [("/", "ext4"), ("/srv", "ext4"), ("/srv/photos", "nfs4"), ("/srv/photos/a/b", "nfs4"), ("/srv/photosx", "ext4"),
     ("/srv/photos/local/a", "xfs"), ("/srv/with space", "fuse.sshfs"), ("/srv/twice/a", "tmpfs")],
)  # fmt: skip
def test_a_directory_has_the_type_of_the_mount_nearest_above_it(folder: str, kind: str) -> None:
    assert find_type(folder) == kind


def test_files_of_this_machine_are_local() -> None:
    assert find_type("/proc") == "proc"
    with FileIO(os.path.realpath(__file__)) as file:
        assert is_on_local_disk(file, os.path.realpath(__file__))


def test_files_of_other_machines_are_not_local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mountinfo").write_text(f"1 1 0:1 / {tmp_path} rw - nfs4 server:/ rw\n")
    monkeypatch.setattr(mounts, "_MOUNTS", str(tmp_path / "mountinfo"))
    (tmp_path / "a").write_text("a")
    with FileIO(str(tmp_path / "a")) as file:
        assert not is_on_local_disk(file, str(tmp_path / "a"))


def test_without_a_list_no_file_counts_as_local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mounts, "_MOUNTS", str(tmp_path / "none"))
    (tmp_path / "b").write_text("b")
    with FileIO(str(tmp_path / "b")) as file:
        assert not is_on_local_disk(file, str(tmp_path / "b"))
