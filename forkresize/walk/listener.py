"""A program that runs beside a watch and tells which paths change, a JSON line at a time. Imported by nobody.

Watching takes a thread, and a process that has one can't safely fork workers; so it is done in a process of its own.
"""

import json
import os
import sys
from collections.abc import Iterable

from watchfiles import Change, watch

_LOOK_UP = 1000
"""Milliseconds after which it is looked whether the watch is still there."""

_GATHER = 400
"""Milliseconds for which changes are gathered at most."""


def listen(directories: list[str], passed_over: list[str]) -> None:
    """Write a line with the paths that changed each time some did; the first, when all is watched, may be empty.

    Args:
        directories: what to watch, with all that lies below.
        passed_over: directories and files that don't count.
    """
    parent = os.getppid()
    begun = False
    for changes in watch(
        *directories,
        watch_filter=None,
        debounce=_GATHER,
        rust_timeout=_LOOK_UP,
        yield_on_timeout=True,
        ignore_permission_denied=True,
    ):
        if os.getppid() != parent:
            return
        paths = sorted(_that_count(changes, passed_over))
        if paths or not begun:
            begun = True
            sys.stdout.write(json.dumps({"changed": paths}) + "\n")
            sys.stdout.flush()


def _that_count(changes: Iterable[tuple[Change, str]], passed_over: list[str]) -> set[str]:
    return {
        path
        for change, path in changes
        # That something in a directory changed is told of that thing too.
        if change is not Change.deleted and not (change is Change.modified and os.path.isdir(path))
        if not any(path == each or path.startswith(each + "/") for each in passed_over)
    }


if __name__ == "__main__":
    try:
        listen(**json.loads(sys.argv[1]))
    except BrokenPipeError:
        os._exit(0)
    except Exception as error:  # noqa: BLE001 (the watch tells it)
        sys.stdout.write(json.dumps({"error": f"{type(error).__name__}: {error}"}) + "\n")
