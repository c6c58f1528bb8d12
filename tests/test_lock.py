import errno
import fcntl
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from forkresize import lock
from forkresize.errors import DestinationBusyError, DestinationError, ExitCode
from forkresize.lock import destination_lock
from forkresize.storage import temporary_path


def test_a_destination_is_held_by_one_run_and_left_tidy(tmp_path: Path) -> None:
    destination = tmp_path / "deep" / "out"
    with destination_lock(str(destination)) as tag:
        assert tag
        with pytest.raises(DestinationBusyError) as refusal, destination_lock(str(destination)):
            pytest.fail("two runs held one destination")
        assert refusal.value.exit_code is ExitCode.LOCKED
    assert os.listdir(destination) == []
    with destination_lock(str(destination)) as other:
        assert other != tag


def test_the_next_run_removes_what_a_killed_run_left(tmp_path: Path) -> None:
    script = """
import os, sys
from pathlib import Path
from forkresize.lock import destination_lock
from forkresize.storage import temporary_path
with destination_lock(sys.argv[1]) as tag:
    left = Path(temporary_path(os.path.join(sys.argv[1], "sub", "a.jpg"), tag))
    left.parent.mkdir()
    left.write_bytes(b"half")
    os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", script, tmp_path], check=False, timeout=60)
    (tmp_path / "sub" / ".mine.forkresize-other").write_bytes(b"not ours to remove")
    assert len(os.listdir(tmp_path / "sub")) == 2
    with destination_lock(str(tmp_path)):
        assert os.listdir(tmp_path / "sub") == [".mine.forkresize-other"]


def test_a_run_that_breaks_off_removes_its_temporary_files(tmp_path: Path) -> None:
    def break_off() -> None:
        with destination_lock(str(tmp_path)) as tag:
            Path(temporary_path(str(tmp_path / "a.jpg"), tag)).write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert os.listdir(tmp_path) == []


def test_a_lock_file_removed_while_it_was_waited_for_is_not_mistaken_for_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock = fcntl.flock
    file = tmp_path / ".forkresize" / "lock"

    def remove_once(descriptor: int, operation: int) -> None:
        flock(descriptor, operation)
        monkeypatch.setattr(fcntl, "flock", flock)
        file.unlink()

    monkeypatch.setattr(fcntl, "flock", remove_once)
    with destination_lock(str(tmp_path)):
        assert file.exists()
    monkeypatch.setattr(fcntl, "flock", remove_once)
    monkeypatch.setattr(lock, "_MAX_ATTEMPTS", 1)
    with pytest.raises(DestinationBusyError), destination_lock(str(tmp_path)):
        pytest.fail("held what somebody else has removed")


def test_a_disk_that_is_full_before_the_first_output_is_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(lock, "_claim", full)
    with pytest.raises(DestinationError, match="No space left"), destination_lock(str(tmp_path)):
        pytest.fail("held without its tag")


def test_a_destination_that_vanishes_while_it_is_held_is_no_further_error(tmp_path: Path) -> None:
    with destination_lock(str(tmp_path / "out")):
        shutil.rmtree(tmp_path / "out")


def test_holders_that_come_and_go_do_not_trip_each_other(tmp_path: Path) -> None:
    script = """
import sys
import time
from forkresize.lock import destination_lock
from forkresize.errors import DestinationBusyError
for _ in range(300):
    try:
        with destination_lock(sys.argv[1]):
            pass
    except DestinationBusyError:
        pass
"""
    runs = [subprocess.Popen([sys.executable, "-c", script, tmp_path / "out"]) for _ in range(3)]
    assert [run.wait(timeout=60) for run in runs] == [0, 0, 0]


def test_a_destination_that_can_not_be_made_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DestinationError, match="Not a directory"), destination_lock(str(tmp_path / "file" / "out")):
        pytest.fail("a file served as a directory")


def test_shares_are_held_side_by_side_and_each_by_one_run(tmp_path: Path) -> None:
    with destination_lock(str(tmp_path), share="1-of-2") as one:
        with destination_lock(str(tmp_path), share="2-of-2") as other:
            assert one != other
            with pytest.raises(DestinationBusyError), destination_lock(str(tmp_path), share="2-of-2"):
                pytest.fail("two runs held one share")
        with pytest.raises(DestinationBusyError), destination_lock(str(tmp_path)):
            pytest.fail("the whole was held besides a share")
    assert os.listdir(tmp_path) == []
    with (
        destination_lock(str(tmp_path)),
        pytest.raises(DestinationBusyError),
        destination_lock(str(tmp_path), share="1-of-2"),
    ):
        pytest.fail("a share was held besides the whole")


def test_what_a_killed_share_left_is_removed_by_the_next_run_of_the_whole(tmp_path: Path) -> None:
    script = """
import os, sys
from pathlib import Path
from forkresize.lock import destination_lock
from forkresize.storage import temporary_path
with destination_lock(sys.argv[1], share="1-of-2") as tag:
    Path(temporary_path(os.path.join(sys.argv[1], "a.jpg"), tag)).write_bytes(b"half")
    os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", script, tmp_path], check=False, timeout=60)
    with destination_lock(str(tmp_path), share="2-of-2"):
        assert len(os.listdir(tmp_path)) == 2
    with destination_lock(str(tmp_path)):
        assert os.listdir(tmp_path) == [".forkresize"]
    assert os.listdir(tmp_path) == []


def test_a_holder_is_waited_for_and_that_is_told_once(tmp_path: Path) -> None:
    script = "import sys, time\nfrom forkresize.lock import destination_lock\n"
    script += "with destination_lock(sys.argv[1]):\n print(flush=True)\n time.sleep(0.5)"
    told: list[str] = []
    with subprocess.Popen([sys.executable, "-c", script, tmp_path], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with destination_lock(str(tmp_path), patience=30, on_wait=lambda: told.append("waits")):
            assert holder.wait(timeout=30) == 0
    assert told == ["waits"]


def test_who_waits_in_vain_is_told_so(tmp_path: Path) -> None:
    began = time.monotonic()
    with (
        destination_lock(str(tmp_path)),
        pytest.raises(DestinationBusyError),
        destination_lock(str(tmp_path), patience=0.3),
    ):
        pytest.fail("two runs held one destination")
    assert 0.3 <= time.monotonic() - began < 5


def test_who_need_not_wait_is_told_nothing(tmp_path: Path) -> None:
    with destination_lock(str(tmp_path), patience=30, on_wait=lambda: pytest.fail("told to wait")):
        pass
