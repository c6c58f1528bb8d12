"""The lock of a destination: one run at a time, shards at the same time, leftovers of killed runs removed."""

import errno
import fcntl
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from forkresize.errors import DestinationBusyError, DestinationError
from forkresize.exit_policy import ExitCode, exit_code_for_error
from forkresize.store import lock
from forkresize.store.files import temporary_path
from forkresize.store.lock import destination_lock


def test_one_run_holds_a_destination_and_leaves_no_lock_file(tmp_path: Path) -> None:
    destination = tmp_path / "deep" / "out"
    with destination_lock(str(destination)) as run_id:
        assert run_id
        with pytest.raises(DestinationBusyError) as refusal, destination_lock(str(destination)):
            pytest.fail("two runs held one destination")
        assert exit_code_for_error(refusal.value) is ExitCode.LOCKED
    assert os.listdir(destination) == []
    with destination_lock(str(destination)) as other:
        assert other != run_id


def test_the_next_run_removes_the_temporary_files_of_a_killed_run(tmp_path: Path) -> None:
    script = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from forkresize.store import lock
from forkresize.store.files import temporary_path
from forkresize.store.lock import destination_lock
with destination_lock(sys.argv[1]) as run_id:
    left = Path(temporary_path(os.path.join(sys.argv[1], "sub", "a.jpg"), run_id))
    left.parent.mkdir()
    left.write_bytes(b"half")
    os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", script, tmp_path], check=False, timeout=60)
    (tmp_path / "sub" / ".mine.forkresize-other").write_bytes(b"not ours to remove")
    assert len(os.listdir(tmp_path / "sub")) == 2
    with destination_lock(str(tmp_path)):
        assert os.listdir(tmp_path / "sub") == [".mine.forkresize-other"]


def test_an_aborted_run_removes_its_temporary_files(tmp_path: Path) -> None:
    def break_off() -> None:
        with destination_lock(str(tmp_path)) as run_id:
            Path(temporary_path(str(tmp_path / "a.jpg"), run_id)).write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert os.listdir(tmp_path) == []


def test_a_lock_on_a_removed_lock_file_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
        pytest.fail("held a removed lock file")


def test_a_full_disk_is_reported_as_a_destination_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(lock, "_claim", full)
    with pytest.raises(DestinationError, match="No space left"), destination_lock(str(tmp_path)):
        pytest.fail("held without its run id")


def test_releasing_a_removed_destination_raises_nothing(tmp_path: Path) -> None:
    with destination_lock(str(tmp_path / "out")):
        shutil.rmtree(tmp_path / "out")


def test_many_short_runs_do_not_disturb_each_other(tmp_path: Path) -> None:
    script = """
import sys
import time
from forkresize.store.lock import destination_lock
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


def test_a_destination_that_cannot_be_created_is_a_destination_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DestinationError, match="Not a directory"), destination_lock(str(tmp_path / "file" / "out")):
        pytest.fail("a file served as a directory")


def test_shards_are_held_at_the_same_time_and_each_by_one_run(tmp_path: Path) -> None:
    with destination_lock(str(tmp_path), shard="1-of-2") as one:
        with destination_lock(str(tmp_path), shard="2-of-2") as other:
            assert one != other
            with pytest.raises(DestinationBusyError), destination_lock(str(tmp_path), shard="2-of-2"):
                pytest.fail("two runs held one shard")
        with pytest.raises(DestinationBusyError), destination_lock(str(tmp_path)):
            pytest.fail("the whole was held besides a shard")
    assert os.listdir(tmp_path) == []
    with (
        destination_lock(str(tmp_path)),
        pytest.raises(DestinationBusyError),
        destination_lock(str(tmp_path), shard="1-of-2"),
    ):
        pytest.fail("a shard was held besides the whole")


def test_shards_that_end_do_not_disturb_shards_that_start(tmp_path: Path) -> None:
    def hold(shard: str) -> None:
        for _ in range(150):
            with destination_lock(str(tmp_path), shard=shard):
                pass

    with ThreadPoolExecutor(3) as pool:
        for held in [pool.submit(hold, f"{number}-of-3") for number in (1, 2, 3)]:
            held.result(timeout=60)


def test_the_next_run_of_the_whole_removes_what_a_killed_shard_left(tmp_path: Path) -> None:
    script = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from forkresize.store import lock
from forkresize.store.files import temporary_path
from forkresize.store.lock import destination_lock
with destination_lock(sys.argv[1], shard="1-of-2") as run_id:
    Path(temporary_path(os.path.join(sys.argv[1], "a.jpg"), run_id)).write_bytes(b"half")
    os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", script, tmp_path], check=False, timeout=60)
    with destination_lock(str(tmp_path), shard="2-of-2"):
        assert len(os.listdir(tmp_path)) == 2
    with destination_lock(str(tmp_path)):
        assert os.listdir(tmp_path) == [".forkresize"]
    assert os.listdir(tmp_path) == []


def test_on_wait_is_called_once_while_another_run_is_waited_for(tmp_path: Path) -> None:
    script = "import sys, time\nfrom forkresize.store.lock import destination_lock\n"
    script += "with destination_lock(sys.argv[1]):\n print(flush=True)\n time.sleep(0.5)"
    calls: list[str] = []
    with subprocess.Popen([sys.executable, "-c", script, tmp_path], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with destination_lock(str(tmp_path), timeout=30, on_wait=lambda: calls.append("waits")):
            assert holder.wait(timeout=30) == 0
    assert calls == ["waits"]


def test_a_lock_that_is_not_released_in_time_is_an_error(tmp_path: Path) -> None:
    began = time.monotonic()
    with (
        destination_lock(str(tmp_path)),
        pytest.raises(DestinationBusyError),
        destination_lock(str(tmp_path), timeout=0.3),
    ):
        pytest.fail("two runs held one destination")
    assert 0.3 <= time.monotonic() - began < 5


def test_on_wait_is_not_called_for_a_free_destination(tmp_path: Path) -> None:
    with destination_lock(str(tmp_path), timeout=30, on_wait=lambda: pytest.fail("on_wait was called")):
        pass
