"""The functions on single files: temporary names, case sensitivity."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkresize.store import files
from forkresize.store.lock import destination_lock

names = st.binary(min_size=1, max_size=255).filter(
    lambda name: not set(name) & {0, ord("/")} and name not in {b".", b".."}
)


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
    for _ in range(2):
        assert files.is_case_insensitive(str(tmp_path)) == (tmp_path / "pROBE").exists()
        assert os.listdir(tmp_path) == ["Probe"]
    assert files.is_case_insensitive(str(tmp_path / "missing")) == (sys.platform == "darwin")


def test_case_sensitivity_is_probed_by_the_state_directory_of_an_earlier_run(tmp_path: Path) -> None:
    (tmp_path / ".forkresize").mkdir()
    (tmp_path / ".forkresize" / "ledger.db").write_bytes(b"ledger")
    sensitive = not (tmp_path / ".FORKRESIZE").exists()
    assert files.is_case_insensitive(str(tmp_path)) != sensitive
    if sensitive:
        (tmp_path / ".FORKRESIZE").mkdir()
        assert not files.is_case_insensitive(str(tmp_path))
    assert (tmp_path / ".forkresize" / "ledger.db").exists()


def test_a_probe_that_is_killed_leaves_what_the_next_run_removes(tmp_path: Path) -> None:
    script = """
import os, sys
from forkresize.store import files
from forkresize.store.lock import destination_lock
os.lstat = lambda path: os.kill(os.getpid(), 9)
files.is_case_insensitive(sys.argv[1])
"""
    assert subprocess.run([sys.executable, "-c", script, tmp_path], check=False, timeout=60).returncode == -9
    assert os.listdir(tmp_path) == [".forkresize"]
    with destination_lock(str(tmp_path)):
        pass
    assert os.listdir(tmp_path) == []


def test_an_unwritable_directory_is_assumed_to_be_case_sensitive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "mkdir", refuse)
    assert not files.is_case_insensitive(str(tmp_path))
