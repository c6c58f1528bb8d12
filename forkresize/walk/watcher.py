"""Which paths below directories change, as reported by a process of its own."""

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from typing import Self

from forkresize.errors import FieldError, SourceError

_CHUNK = 1 << 16


class ChangeWatcher:
    """Receives changes below directories while it is entered.

    Its process is in a session of its own, so that Ctrl-C does not reach it, and ends when this process ends.
    """

    def __init__(self, directories: Iterable[str], ignored: Iterable[str] = ()) -> None:
        """Name what to watch.

        Args:
            directories: these, and all below them.
            ignored: directories and files whose changes are not reported.

        Raises:
            FieldError: one is not a directory, or watchdog is not installed.
        """
        self._directories = [os.path.abspath(directory) for directory in directories]
        self._ignored = [os.path.abspath(path) for path in ignored]
        for directory in self._directories:
            if not os.path.isdir(directory):
                raise FieldError("watch", f"{directory!r} is not a directory")
        if find_spec("watchdog") is None:
            raise FieldError("watch", "requires watchdog; install it with: pip install 'forkresize[watch]'")
        self._text = b""

    def __enter__(self) -> Self:
        arguments = json.dumps({"directories": self._directories, "ignored": self._ignored})
        self._process = subprocess.Popen(  # noqa: S603 (this very Python)
            [sys.executable, "-m", "forkresize.walk.watcher_process", arguments],
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
        """Process id of the watcher process."""
        return self._process.pid

    def __exit__(self, *_: object) -> None:
        # It ends at the end of its input.
        self._process.communicate()

    def wait(self, seconds: float) -> set[str]:
        """Wait for changes, at most this long; return the absolute paths that changed.

        A directory stands for everything below it.

        Raises:
            SourceError: the sources cannot be watched any more.
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
            raise SourceError("the file watcher exited unexpectedly")
        self._text += text

    def _paths(self, line: bytes) -> list[str]:
        message = json.loads(line)
        if "error" in message:
            raise SourceError(
                f"the sources cannot be watched: {message['error']}; a higher fs.inotify.max_user_watches may help"
            )
        return list(message["changed"])
