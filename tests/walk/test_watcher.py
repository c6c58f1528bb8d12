"""The file watcher and its process."""

import os
import time
from pathlib import Path

import pytest

from forkresize.errors import FieldError, SourceError
from forkresize.walk import watcher
from forkresize.walk.watcher import ChangeWatcher

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


def test_only_a_directory_is_watched(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FieldError, match="file' is not a directory"):
        ChangeWatcher([str(tmp_path / "file")])


def test_a_missing_library_is_reported_with_the_command_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "find_spec", lambda _: None)
    with pytest.raises(FieldError, match=r"pip install 'forkresize\[watch\]'"):
        ChangeWatcher([str(tmp_path)])
