"""The watcher process: a program that reports the paths that change, one JSON line at a time. Never imported.

Watching needs threads, and a process with threads cannot safely fork workers; so it runs in a process of its own.
"""

import contextlib
import json
import os
import stat
import sys
import time
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeAlias

from watchdog.events import FileClosedEvent, FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

_COLLECT_INTERVAL = 0.3
"""Seconds for which changes are collected."""

Changed: TypeAlias = "SimpleQueue[str]"
"""The paths that changed."""

_EVENT_TYPES = ("created", "modified", "moved", FileClosedEvent.event_type)


_POLL_INTERVAL = 0.5
"""Seconds between two checks whether the sources are still the same directories."""


class _Handler(FileSystemEventHandler):
    """Puts the paths that are not ignored into a queue.

    Args:
        changed: the queue.
        only: the file whose changes count; None if all do.
        ignored: paths that do not count.
    """

    def __init__(self, changed: Changed, only: str | None, ignored: list[str]) -> None:
        self._changed = changed
        self._only = only
        self._ignored = ignored

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Queue the path of a change."""
        # Changes in a directory are reported for the entry that changed, too.
        if event.event_type not in _EVENT_TYPES or (event.is_directory and event.event_type == "modified"):
            return
        path = os.fsdecode(event.dest_path or event.src_path)
        if self._only is not None and path != self._only:
            return
        if not any(path == each or path.startswith(f"{each}/") for each in self._ignored):
            self._changed.put(path)


def watch(directories: list[str], files: list[str], ignored: list[str]) -> None:
    """Write a line with the changed paths for every batch of changes. The first line, empty, says that it watches.

    It waits until all directories exist. When one is replaced or removed, it says so in the last line.

    Args:
        directories: what to watch, with all below.
        files: what to watch besides, by the directories that contain them.
        ignored: directories and files whose changes are not reported.
    """
    Thread(target=_end_with_input, daemon=True).start()
    changed: Changed = SimpleQueue()
    watched = [(each, None) for each in directories] + [(os.path.dirname(each), each) for each in files]
    while None in (identities := [_identify(directory) for directory, _ in watched]):
        time.sleep(_POLL_INTERVAL)
    observer = Observer()
    for directory, only in watched:
        observer.schedule(_Handler(changed, only, ignored), directory, recursive=only is None)
    observer.daemon = True
    observer.start()
    _write(changed=[])
    while True:
        if paths := _collect(changed):
            _write(changed=sorted(paths))
        lost = [each for (each, _), before in zip(watched, identities, strict=True) if _identify(each) != before]
        if lost:
            _write(lost=lost[0])
            return


def _identify(directory: str) -> tuple[int, int] | None:
    """Return what distinguishes a directory from another one of its name; None if there is none."""
    try:
        found = os.stat(directory)
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISDIR(found.st_mode) else None


def _collect(changed: Changed) -> set[str]:
    try:
        first = changed.get(timeout=_POLL_INTERVAL)
    except Empty:
        return set()
    time.sleep(_COLLECT_INTERVAL)
    return {first, *(changed.get() for _ in range(changed.qsize()))}


def _end_with_input() -> None:
    # Nothing is written there. It is closed when the parent ends, in any way. The other threads may block.
    sys.stdin.buffer.read()
    os._exit(0)


def _write(**message: object) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    # The parent may have ended.
    with contextlib.suppress(BrokenPipeError):
        try:
            watch(**json.loads(sys.argv[1]))
        except OSError as error:
            _write(error=str(error))
    # Without waiting for the watching threads, which may block.
    os._exit(0)
