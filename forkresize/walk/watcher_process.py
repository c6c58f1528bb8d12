"""A program that runs beside a watch and tells which paths change, a JSON line at a time. Imported by nobody.

Watching takes threads, and a process that has any can't safely fork workers; so it is done in a process of its own.
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

_GATHER = 0.3
"""Seconds for which changes are gathered."""

Changed: TypeAlias = "SimpleQueue[str | None]"
"""The paths that changed, and None when nobody wants to know any more."""

_TELLING = ("created", "modified", "moved", FileClosedEvent.event_type)


class _Handler(FileSystemEventHandler):
    """Puts the paths that count into a queue."""

    def __init__(self, changed: Changed, passed_over: list[str]) -> None:
        self._changed = changed
        self._passed_over = passed_over

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Take note of a change."""
        # That something in a directory changed is told of that thing too.
        if event.event_type not in _TELLING or (event.is_directory and event.event_type == "modified"):
            return
        path = os.fsdecode(event.dest_path or event.src_path)
        if not any(path == each or path.startswith(f"{each}/") for each in self._passed_over):
            self._changed.put(path)


def listen(directories: list[str], passed_over: list[str]) -> None:
    """Write a line with the paths that changed each time some did; the first, when all is watched, is empty.

    Args:
        directories: what to watch, with all that lies below.
        passed_over: directories and files that don't count.
    """
    changed: Changed = SimpleQueue()
    Thread(target=_say_when_over, args=(changed,), daemon=True).start()
    observer = Observer()
    for directory in directories:
        observer.schedule(_Handler(changed, passed_over), directory, recursive=True)
    observer.daemon = True
    observer.start()
    _tell(changed=[])
    while None not in (paths := _gathered(changed)):
        _tell(changed=sorted(filter(None, paths)))


def _gathered(changed: Changed) -> set[str | None]:
    first = changed.get()
    time.sleep(_GATHER)
    return {first, *(changed.get() for _ in range(changed.qsize()))}


def _say_when_over(changed: Changed) -> None:
    # The watch writes nothing there; it is closed when the watch ends, however that happens.
    sys.stdin.buffer.read()
    changed.put(None)


def _tell(**told: object) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    # Where nobody listens any more, nobody has to be told.
    with contextlib.suppress(BrokenPipeError):
        try:
            listen(**json.loads(sys.argv[1]))
        except OSError as error:
            _tell(error=str(error))
    # Not by way of the threads that watch, which may be waiting for ever.
    os._exit(0)
