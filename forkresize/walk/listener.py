"""A program that runs beside a watch and tells which paths change, a JSON line at a time. Imported by nobody.

Watching takes threads, and a process that has any can't safely fork workers; so it is done in a process of its own.
"""

import json
import os
import sys
import time
from queue import Empty, SimpleQueue

from watchdog.events import FileClosedEvent, FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

_LOOK_UP = 1.0
"""Seconds after which it is looked whether the watch is still there."""

_GATHER = 0.3
"""Seconds for which changes are gathered."""

_TELLING = ("created", "modified", "moved", FileClosedEvent.event_type)


class _Handler(FileSystemEventHandler):
    """Puts the paths that count into a queue."""

    def __init__(self, changed: "SimpleQueue[str]", passed_over: list[str]) -> None:
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
    parent = os.getppid()
    changed: SimpleQueue[str] = SimpleQueue()
    observer = Observer()
    for directory in directories:
        observer.schedule(_Handler(changed, passed_over), directory, recursive=True)
    observer.daemon = True
    observer.start()
    _tell(changed=[])
    while os.getppid() == parent:
        try:
            paths = {changed.get(timeout=_LOOK_UP)}
        except Empty:
            continue
        time.sleep(_GATHER)
        while not changed.empty():
            paths.add(changed.get())
        _tell(changed=sorted(paths))


def _tell(**told: object) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        listen(**json.loads(sys.argv[1]))
    except BrokenPipeError:
        pass
    except Exception as error:  # noqa: BLE001 (the watch tells it)
        _tell(error=f"{type(error).__name__}: {error}")
    # Not by way of the threads that watch, which may be waiting for ever.
    os._exit(0)
