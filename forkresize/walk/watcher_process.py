"""The watcher process: a program that reports the paths that change, one JSON line at a time. Never imported.

Watching needs threads, and a process with threads cannot safely fork workers; so it runs in a process of its own.
"""

import contextlib
import json
import os
import sys
import time
from queue import SimpleQueue
from threading import Thread
from typing import TypeAlias

from watchdog.events import FileClosedEvent, FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

_COLLECT_INTERVAL = 0.3
"""Seconds for which changes are collected."""

Changed: TypeAlias = "SimpleQueue[str | None]"
"""The paths that changed, and None at the end of the watch."""

_EVENT_TYPES = ("created", "modified", "moved", FileClosedEvent.event_type)


class _Handler(FileSystemEventHandler):
    """Puts the paths that are not ignored into a queue."""

    def __init__(self, changed: Changed, ignored: list[str]) -> None:
        self._changed = changed
        self._ignored = ignored

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Queue the path of a change."""
        # Changes in a directory are reported for the entry that changed, too.
        if event.event_type not in _EVENT_TYPES or (event.is_directory and event.event_type == "modified"):
            return
        path = os.fsdecode(event.dest_path or event.src_path)
        if not any(path == each or path.startswith(f"{each}/") for each in self._ignored):
            self._changed.put(path)


def watch(directories: list[str], ignored: list[str]) -> None:
    """Write a line with the changed paths for every batch of changes. The first line, empty, says that it watches.

    Args:
        directories: what to watch, with all below.
        ignored: directories and files whose changes are not reported.
    """
    changed: Changed = SimpleQueue()
    Thread(target=_end_with_input, args=(changed,), daemon=True).start()
    observer = Observer()
    for directory in directories:
        observer.schedule(_Handler(changed, ignored), directory, recursive=True)
    observer.daemon = True
    observer.start()
    _write(changed=[])
    while None not in (paths := _collect(changed)):
        _write(changed=sorted(filter(None, paths)))


def _collect(changed: Changed) -> set[str | None]:
    first = changed.get()
    time.sleep(_COLLECT_INTERVAL)
    return {first, *(changed.get() for _ in range(changed.qsize()))}


def _end_with_input(changed: Changed) -> None:
    # Nothing is written there. It is closed when the parent ends, in any way.
    sys.stdin.buffer.read()
    changed.put(None)


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
