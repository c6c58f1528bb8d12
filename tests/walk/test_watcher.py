import os
import time
from pathlib import Path

import pytest

from forkresize.errors import SourceError, UsageError
from forkresize.walk import watcher
from forkresize.walk.watcher import ChangeWatcher

pytest.importorskip("watchdog")

NO_ROOM = """
from watchdog.observers import Observer
def start(self):
    raise OSError(28, "inotify watch limit reached")
Observer.start = start
"""


def heard(listening: ChangeWatcher, wanted: set[str]) -> set[str]:
    """Return all that is heard until everything that is wanted was."""
    deadline = time.monotonic() + 20
    told: set[str] = set()
    while not wanted <= told:
        assert time.monotonic() < deadline, told
        told |= listening.wait(1.0)
    return told


def test_it_tells_what_is_made_and_moved_in_and_nothing_of_what_is_passed_over(tmp_path: Path) -> None:
    source, apart = tmp_path / "in", tmp_path / "apart"
    (source / "out").mkdir(parents=True)
    (apart / "day").mkdir(parents=True)
    (apart / "day/b.jpg").touch()
    with ChangeWatcher([str(source)], [str(source / "out"), str(source / "run.log")]) as listening:
        (source / "out/a.jpg").touch()
        (source / "run.log").touch()
        (source / "gone.jpg").touch()
        (source / "gone.jpg").unlink()
        (apart / "day").rename(source / "day")
        (source / "a b.jpg").touch()
        told = heard(listening, {str(source / "a b.jpg"), str(source / "day")})
        assert not {path for path in told if "out" in os.path.relpath(path, source) or path.endswith(".log")}
        assert listening.wait(0.0) <= told


def test_a_name_may_be_any_bytes(tmp_path: Path) -> None:
    source = tmp_path / "\udcfe"
    source.mkdir()
    with ChangeWatcher([str(source)]) as listening:
        (source / "\udcff.jpg").touch()
        heard(listening, {str(source / "\udcff.jpg")})


def test_it_leaves_no_process_behind(tmp_path: Path) -> None:
    with ChangeWatcher([str(tmp_path)]) as listening:
        pid = listening.pid
        os.kill(pid, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_listener_that_dies_is_an_error(tmp_path: Path) -> None:
    with ChangeWatcher([str(tmp_path)]) as listening:
        os.kill(listening.pid, 9)
        with pytest.raises(SourceError, match="can't be watched any more"):
            heard(listening, {"nothing"})


def test_what_it_can_not_watch_is_told_with_what_may_help(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text(NO_ROOM)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with (
        pytest.raises(SourceError, match=r"limit reached; a higher fs.inotify.max_user_watches"),
        ChangeWatcher([str(tmp_path)]),
    ):
        pytest.fail("it listens")


def test_only_a_directory_is_watched(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="file' is no directory"):
        ChangeWatcher([str(tmp_path / "file")])


def test_without_its_library_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"pip install 'forkresize\[watch\]'"):
        ChangeWatcher([str(tmp_path)])
