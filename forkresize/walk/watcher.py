"""What changes below directories, as another process tells it: Changes. Judges no change and reads no picture."""

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from typing import Self

from forkresize.errors import SourceError, UsageError

_CHUNK = 1 << 16


class ChangeWatcher:
    """Hears what changes below directories while it is entered.

    Its process is in a group of its own, so that Ctrl-C does not reach it, and ends when this one is gone.
    """

    def __init__(self, directories: Iterable[str], passed_over: Iterable[str] = ()) -> None:
        """Name what to listen to.

        Args:
            directories: these, and all that lies below.
            passed_over: directories and files whose changes don't count.

        Raises:
            UsageError: one is no directory, or the library that can do it is missing.
        """
        self._directories = [os.path.abspath(directory) for directory in directories]
        self._passed_over = [os.path.abspath(path) for path in passed_over]
        for directory in self._directories:
            if not os.path.isdir(directory):
                raise UsageError(f"--watch: {directory!r} is no directory")
        if find_spec("watchdog") is None:
            raise UsageError("--watch: watchdog is missing; pip install 'forkresize[watch]' brings it")
        self._text = b""

    def __enter__(self) -> Self:
        told = json.dumps({"directories": self._directories, "passed_over": self._passed_over})
        self._process = subprocess.Popen(  # noqa: S603 (this very Python)
            [sys.executable, "-m", "forkresize.walk.watcher_process", told],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._process.stdout is not None  # noqa: S101 (it is a pipe)
        self._pipe = self._process.stdout
        try:
            while b"\n" not in self._text:
                self._read()
            self._paths(self._text.partition(b"\n")[0])
        except BaseException:
            self.__exit__()
            raise
        return self

    @property
    def pid(self) -> int:
        """Process id of the one that listens."""
        return self._process.pid

    def __exit__(self, *_: object) -> None:
        # Its end is the end of what it reads.
        self._process.communicate()

    def wait(self, seconds: float) -> set[str]:
        """Wait for changes, but no longer than this; return the absolute paths that changed.

        A directory stands for all that lies below.

        Raises:
            SourceError: nothing more can be heard.
        """
        poll = select.poll()
        poll.register(self._pipe, select.POLLIN)
        if b"\n" not in self._text and poll.poll(seconds * 1000):
            self._read()
        *lines, self._text = self._text.split(b"\n")
        return {path for line in lines for path in self._paths(line)}

    def _read(self) -> None:
        text = os.read(self._pipe.fileno(), _CHUNK)
        if not text:
            raise SourceError("the sources can't be watched any more: the process that did it has ended")
        self._text += text

    def _paths(self, line: bytes) -> list[str]:
        heard = json.loads(line)
        if "error" in heard:
            raise SourceError(
                f"the sources can't be watched: {heard['error']}; a higher fs.inotify.max_user_watches may help"
            )
        return list(heard["changed"])
