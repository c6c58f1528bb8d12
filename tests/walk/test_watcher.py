"""The file watcher and its process."""

import ctypes
import os
import re
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Timer

import pytest

from forkresize.errors import FieldError, SourceError
from forkresize.extras import install_command
from forkresize.walk import watcher
from forkresize.walk.watcher import ChangeWatcher, SourceLostError

pytest.importorskip("watchdog")

NO_ROOM = """
from watchdog.observers import Observer
def start(self):
    raise OSError(28, "inotify watch limit reached")
Observer.start = start
"""


def wait_for(watching: ChangeWatcher, wanted: set[str]) -> set[str]:
    """Return all changes that are reported until the wanted ones were."""
    deadline = time.monotonic() + 20
    changed: set[str] = set()
    while not wanted <= changed:
        assert time.monotonic() < deadline, changed
        changed |= watching.wait(1.0)
    return changed


def test_created_and_moved_paths_are_reported_but_not_ignored_ones(tmp_path: Path) -> None:
    source, apart = tmp_path / "in", tmp_path / "apart"
    (source / "out").mkdir(parents=True)
    (apart / "day").mkdir(parents=True)
    (apart / "day/b.jpg").touch()
    with ChangeWatcher([str(source)], [str(source / "out"), str(source / "run.log")]) as watching:
        (source / "out/a.jpg").touch()
        (source / "run.log").touch()
        (source / "gone.jpg").touch()
        (source / "gone.jpg").unlink()
        (apart / "day").rename(source / "day")
        (source / "a b.jpg").touch()
        changed = wait_for(watching, {str(source / "a b.jpg"), str(source / "day")})
        assert not {path for path in changed if "out" in os.path.relpath(path, source) or path.endswith(".log")}
        assert watching.wait(0.0) <= changed


def test_a_name_may_be_any_bytes(tmp_path: Path) -> None:
    source = tmp_path / "\udcfe"
    source.mkdir()
    with ChangeWatcher([str(source)]) as watching:
        (source / "\udcff.jpg").touch()
        wait_for(watching, {str(source / "\udcff.jpg")})


def test_the_watcher_process_ends_with_the_context(tmp_path: Path) -> None:
    with ChangeWatcher([str(tmp_path)]) as watching:
        pid = watching.pid
        os.kill(pid, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_killed_watcher_process_is_an_error(tmp_path: Path) -> None:
    with ChangeWatcher([str(tmp_path)]) as watching:
        os.kill(watching.pid, 9)
        with pytest.raises(SourceError, match="exited unexpectedly"):
            wait_for(watching, {"nothing"})


def test_a_system_limit_is_reported_with_its_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text(NO_ROOM)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with (
        pytest.raises(SourceError, match=r"limit reached; a higher fs.inotify.max_user_watches"),
        ChangeWatcher([str(tmp_path)]),
    ):
        pytest.fail("it watches")


def test_only_files_and_directories_are_watched(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "missing"):
        with pytest.raises(FieldError, match=f"{name}' is neither a directory nor a file"):
            ChangeWatcher([str(tmp_path / name)])


def test_a_file_is_watched_even_if_it_is_replaced_and_away_for_a_while(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    with ChangeWatcher([str(tmp_path / "a.jpg")]) as watching:
        (tmp_path / "b.jpg").touch()
        (tmp_path / "a.jpg").unlink()
        (tmp_path / "b.jpg").rename(tmp_path / "a.jpg")
        assert wait_for(watching, {str(tmp_path / "a.jpg")}) == {str(tmp_path / "a.jpg")}


def wait_until_lost(watching: ChangeWatcher, source: Path) -> None:
    """Wait until the watcher says that a source is away."""
    deadline = time.monotonic() + 20
    try:
        while time.monotonic() < deadline:
            watching.wait(1.0)
    except SourceLostError as error:
        found = str(error)
    else:
        pytest.fail("it was not lost")
    assert f"'{source}' is away or was replaced" in found


def _rename(source: Path) -> None:
    source.rename(source.with_name("elsewhere"))


def _return(source: Path) -> None:
    source.with_name("elsewhere").rename(source)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("remove", "bring_back"),
    [(_rename, _return), (Path.rmdir, Path.mkdir), (_rename, Path.mkdir)],
    ids=["renamed", "created again", "replaced"],
)
def test_a_source_that_was_away_is_watched_again(
    tmp_path: Path, remove: Callable[[Path], object], bring_back: Callable[[Path], object]
) -> None:
    source = tmp_path / "in"
    source.mkdir()
    with ChangeWatcher([str(source)]) as watching:
        remove(source)
        wait_until_lost(watching, source)
        later = Timer(1.5, bring_back, [source])
        later.start()
        watching.reopen()
        later.join()
        (source / "a.jpg").touch()
        wait_for(watching, {str(source / "a.jpg")})


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounts a file system, as root on Linux")
def test_a_drive_that_is_mounted_again_is_watched_again(tmp_path: Path) -> None:
    libc = ctypes.CDLL(None, use_errno=True)

    def mount() -> None:
        if libc.mount(b"none", os.fsencode(tmp_path), b"tmpfs", 0, b"size=1m"):
            pytest.skip("this machine refuses to mount a file system")

    mount()
    try:
        with ChangeWatcher([str(tmp_path)]) as watching:
            for change in (lambda: libc.umount2(os.fsencode(tmp_path), 2), mount):
                change()
                wait_until_lost(watching, tmp_path)
                watching.reopen()
                (tmp_path / "a.jpg").touch()
                wait_for(watching, {str(tmp_path / "a.jpg")})
    finally:
        libc.umount2(os.fsencode(tmp_path), 2)


@pytest.mark.slow
def test_the_wait_for_a_source_can_be_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "in"
    source.mkdir()

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGALRM, interrupt)
    try:
        with ChangeWatcher([str(source)]) as watching:
            source.rmdir()
            wait_until_lost(watching, source)
            signal.setitimer(signal.ITIMER_REAL, 0.5)
            began = time.monotonic()
            with pytest.raises(KeyboardInterrupt):
                watching.reopen()
            assert time.monotonic() - began < 10
            pid = watching.pid
    finally:
        signal.signal(signal.SIGALRM, previous)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_missing_library_is_reported_with_the_command_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "find_spec", lambda _: None)
    with pytest.raises(FieldError, match=re.escape(install_command("watch"))):
        ChangeWatcher([str(tmp_path)])
