"""Which file systems are local, from what the kernel lists."""

import os
import subprocess
import sys
from io import FileIO
from pathlib import Path

import pytest

from forkresize.store import mounts
from forkresize.store.mounts import LocalTree, find_type, is_on_local_disk

_LIST = """22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw
30 22 0:40 / /srv/photos rw - nfs4 server:/photos rw
31 30 0:41 / /srv/photos/local rw master:1 propagate_from:2 - xfs /dev/sdb1 rw
32 22 0:42 / /srv/with\\040space rw - fuse.sshfs host:/ rw
33 22 0:43 / /srv/twice rw - cifs //host/a rw
34 22 0:44 / /srv/twice rw - tmpfs tmpfs rw
35 22 8:17 / /srv/usb rw - fuseblk /dev/sdb1 rw
36 22 8:18 / /srv/odd\rname rw - ext2 /dev/sdb2 rw
"""


@pytest.fixture
def listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mountinfo").write_bytes(_LIST.encode())
    monkeypatch.setattr(mounts, "_MOUNTS", str(tmp_path / "mountinfo"))


@pytest.mark.usefixtures("listed")
@pytest.mark.parametrize(
    ("folder", "kind"),
    [("/", "ext4"), ("/srv", "ext4"), ("/srv/photos", "nfs4"), ("/srv/photos/a/b", "nfs4"), ("/srv/photosx", "ext4"),
     ("/srv/photos/local/a", "xfs"), ("/srv/with space", "fuse.sshfs"), ("/srv/twice/a", "tmpfs"),
     ("/srv/odd\rname/a", "ext2")],
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


@pytest.mark.usefixtures("listed")
@pytest.mark.parametrize(
    ("folder", "is_local"),
    [("/", False), ("/srv", False), ("/usr", True), ("/srv/photos", False), ("/srv/photos/local", True),
     ("/srv/photosx", True), ("/srv/with space/a", False), ("/srv/twice", False),
     ("/srv/usb/a", False)],
)  # fmt: skip
def test_a_tree_is_local_if_nothing_remote_is_mounted_at_it_or_below(folder: str, is_local: bool) -> None:
    tree = LocalTree(folder)
    assert tree.is_local == is_local
    tree.close()
    assert not tree.is_local


_MOUNT = """
import subprocess, sys
from forkresize.store import mounts
mounts._REMOTE = mounts.re.compile("tmpfs")
folder = sys.argv[1]
tree = mounts.LocalTree(folder)
found = [tree.is_local]
subprocess.run(["mount", "-t", "tmpfs", "none", folder + "/below"], check=True)
found.append(tree.is_local)
subprocess.run(["umount", folder + "/below"], check=True)
print(*found, tree.is_local)
"""


def test_a_mount_below_a_tree_is_noticed(tmp_path: Path) -> None:
    if mounts.find_type(str(tmp_path)) == "tmpfs":
        pytest.skip("needs a directory that is not in memory")
    (tmp_path / "below").mkdir()
    command = ["unshare", "--mount", "--map-root-user", sys.executable, "-c", _MOUNT, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if "unshare" in result.stderr:
        pytest.skip(result.stderr)
    assert result.stdout.split() == ["True", "False", "True"], result.stderr
