"""The lock of a destination: one run at a time, shards at the same time, leftovers of killed runs removed."""

import errno
import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
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


@pytest.mark.slow
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
    with (
        pytest.raises(DestinationError, match=r"cannot write to '.*Not a directory"),
        destination_lock(str(tmp_path / "file" / "out")),
    ):
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


@pytest.mark.slow
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


@pytest.mark.slow
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


PLANTS: dict[str, Callable[[Path, Path], object]] = {
    "a symbolic link": lambda path, canary: path.symlink_to(canary),
    "a directory": lambda path, _: path.mkdir(),
    "a named pipe": lambda path, _: os.mkfifo(path),
    "a file that has other names": lambda path, canary: path.hardlink_to(canary),
}


@pytest.mark.parametrize("shard", [None, "1-of-2"])
@pytest.mark.parametrize("kind", PLANTS)
def test_what_is_not_a_lock_file_is_refused_with_advice_and_left_alone(
    tmp_path: Path, kind: str, shard: str | None
) -> None:
    canary = tmp_path / "canary"
    canary.write_bytes(b"precious")
    path = tmp_path / "out/.forkresize" / ("lock" if shard is None else f"lock-{shard}")
    path.parent.mkdir(parents=True)
    PLANTS[kind](path, canary)
    for _ in range(2):
        with (
            pytest.raises(DestinationError, match=f"{path.name}: {kind}.*remove it"),
            destination_lock(str(tmp_path / "out"), shard=shard),
        ):
            pytest.fail(f"{kind} served as a lock file")
    assert canary.read_bytes() == b"precious"
    path.rmdir() if path.is_dir() else path.unlink()
    with destination_lock(str(tmp_path / "out"), shard=shard):
        pass
    assert os.listdir(tmp_path / "out") == []


@pytest.mark.parametrize("kind", ["directory", "missing", "file"])
def test_what_is_not_a_state_directory_is_refused_with_advice(tmp_path: Path, kind: str) -> None:
    (tmp_path / "directory").mkdir()
    (tmp_path / "out").mkdir()
    state = tmp_path / "out/.forkresize"
    state.touch() if kind == "file" else state.symlink_to(tmp_path / kind)
    with (
        pytest.raises(DestinationError, match="in the place of a directory; remove it"),
        destination_lock(str(tmp_path / "out")),
    ):
        pytest.fail("held without a state directory")
    assert sorted(os.listdir(tmp_path)) == ["directory", "out"]


@pytest.mark.parametrize("shard", [None, "1-of-2"])
@pytest.mark.parametrize("content", ["many ids", "sparse", "no id"])
def test_a_lock_file_with_other_content_takes_no_time_and_no_memory(
    tmp_path: Path, content: str, shard: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_for: list[str] = []
    monkeypatch.setattr(lock, "remove_temporaries", lambda _, run_ids: looked_for.extend(run_ids))
    (tmp_path / ".forkresize").mkdir()
    for name in ("lock", "lock-1-of-2"):
        with (tmp_path / ".forkresize" / name).open("wb") as file:
            file.write({"many ids": b"0123abcd" * 200_000, "sparse": b"", "no id": b"../../x"}[content])
            if content == "sparse":
                file.truncate(1 << 42)
    with destination_lock(str(tmp_path), shard=shard) as run_id:
        own = tmp_path / ".forkresize" / ("lock" if shard is None else f"lock-{shard}")
        assert own.read_text() == run_id
    assert looked_for == []


@pytest.mark.slow
def test_only_some_of_many_dead_shards_are_cleaned_up_after_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_for: list[str] = []
    monkeypatch.setattr(lock, "remove_temporaries", lambda _, run_ids: looked_for.extend(run_ids))
    state = tmp_path / ".forkresize"
    (state / "lock-1-of-999").mkdir(parents=True)
    for number in range(1100):
        (state / f"lock-{number}-of-100").write_text(f"{number:08x}")
        (state / f"lock-{number}.jpg").write_text(f"{number:08x}")
    for expected in (1000, 1101):
        with destination_lock(str(tmp_path)):
            assert expected - 2 <= len(looked_for) <= expected
    assert len(list(state.iterdir())) == 1101
