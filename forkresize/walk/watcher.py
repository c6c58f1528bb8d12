"""Which files change, and which below directories, as reported by a process of its own."""

import contextlib
import json
import os
import select
import subprocess
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from typing import Self

from forkresize.errors import FieldError, SourceError
from forkresize.extras import install_command

_CHUNK = 1 << 16

_EXIT_GRACE = 2.0
"""Seconds that the process gets for exiting by itself."""


class SourceLostError(SourceError):
    """A source is away, or has been replaced by another directory of the same name."""


class ChangeWatcher:
    """Receives changes of files and of all below directories while it is entered.

    Its process is in a session of its own, so that Ctrl-C does not reach it, and ends when this process ends. Only that
    process looks at the sources, which may be on a drive that does not answer.
    """

    def __init__(self, sources: Iterable[str], ignored: Iterable[str] = ()) -> None:
        """Name what to watch.

        Args:
            sources: files, and directories with all below them.
            ignored: directories and files whose changes are not reported.

        Raises:
            FieldError: a source is neither a file nor a directory, or watchdog is not installed.
        """
        paths = [os.path.abspath(source) for source in sources]
        self._directories = [path for path in paths if os.path.isdir(path)]
        self._files = [path for path in paths if os.path.isfile(path)]
        self._ignored = [os.path.abspath(path) for path in ignored]
        for path in paths:
            if path not in {*self._directories, *self._files}:
                raise FieldError("watch", f"{path!r} is neither a directory nor a file")
        if find_spec("watchdog") is None:
            raise FieldError("watch", f"requires watchdog; install it with: {install_command('watch')}")
        self._text = b""

    def __enter__(self) -> Self:
        self._text = b""
        sources = {"directories": self._directories, "files": self._files, "ignored": self._ignored}
        self._process = subprocess.Popen(  # noqa: S603 (this very Python)
            [sys.executable, "-m", "forkresize.walk.watcher_process", json.dumps(sources)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._process.stdout is not None  # noqa: S101 (it is a pipe)
        self._pipe = self._process.stdout
        try:
            while b"\n" not in self._text:
                self._read()
            first, _, self._text = self._text.partition(b"\n")
            self._paths(first)
        except BaseException:
            self.__exit__()
            raise
        return self

    def reopen(self) -> None:
        """Wait until all sources exist, and watch them as they are then.

        Raises:
            SourceError: they cannot be watched.
        """
        self.__exit__()
        self.__enter__()

    @property
    def pid(self) -> int:
        """Process id of the watcher process."""
        return self._process.pid

    def __exit__(self, *_: object) -> None:
        # It ends at the end of its input, unless the drive that it looks at blocks it.
        try:
            self._process.communicate(timeout=_EXIT_GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.communicate(timeout=_EXIT_GRACE)

    def wait(self, seconds: float) -> set[str]:
        """Wait for changes, at most this long; return the absolute paths that changed.

        A directory stands for everything below it.

        Raises:
            SourceLostError: a source is away; ``reopen`` waits for it.
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
        if "lost" in message:
            raise SourceLostError(f"{message['lost']!r} is away or was replaced; waiting until it is there")
        if "error" in message:
            raise SourceError(
                f"the sources cannot be watched: {message['error']}; a higher fs.inotify.max_user_watches may help"
            )
        return list(message["changed"])
