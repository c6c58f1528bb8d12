"""Messages with open files over a Unix socket, between a program and the supervisor's process: MessageSocket."""

import errno
import socket
import struct
from collections import deque
from collections.abc import Sequence
from io import FileIO

from forkresize.pool.files import MAX_FILES, close_all, to_files
from forkresize.pool.sandbox.fd_channel import NO_SIGPIPE, receive_fds, send_fds

_HEADER = struct.Struct("=QB")
"""Bytes of the payload that follows, number of files."""

_CHUNK = 1 << 18

_PATIENCE = 0.05
"""Seconds for which a call waits until fewer files of this user are on their way."""


class MessageSocket:
    """One end of the connection; never blocks.

    Args:
        end: the socket.
        max_payload: the most bytes of a message that is received; None for any number. The connection counts as closed
            after a header that announces more, or files that did not come.
    """

    def __init__(self, end: socket.socket, max_payload: int | None = None) -> None:
        end.setblocking(False)
        self._max_payload = max_payload
        self.eof = False  # Whether the other end is closed.
        self._socket = end
        self._unsent: deque[tuple[memoryview, Sequence[FileIO], bool]] = deque()
        self._received = bytearray()
        self._files: deque[FileIO] = deque()

    def fileno(self) -> int:
        """Return the socket's descriptor; -1 once it is closed."""
        return self._socket.fileno()

    def send(self, payload: bytes, files: Sequence[FileIO] = (), *, close: bool = False) -> None:
        """Queue a message; flush() sends it.

        Args:
            payload: any bytes.
            files: files to pass, which must stay open until the message is sent.
            close: whether to close the files then.
        """
        if len(files) > MAX_FILES:
            raise ValueError(f"{len(files)} files with one message, more than {MAX_FILES}")
        header = _HEADER.pack(len(payload), len(files))
        if len(payload) <= _CHUNK:
            # With one system call.
            self._unsent.append((memoryview(header + payload), files, close))
            return
        self._unsent.append((memoryview(header), files, close))
        self._unsent.append((memoryview(payload), (), False))

    def flush(self) -> bool:
        """Send what the socket has room for; return whether everything is sent."""
        while self._unsent:
            data, files, close = self._unsent[0]
            try:
                sent = self._send(data, files)
            except BlockingIOError:
                return False
            except OSError as error:
                if error.errno == errno.ETOOMANYREFS:
                    # Too many files of this user are on their way; the caller tries again soon.
                    return False
                # The other end is closed. What it sent before can still be read, and then its end.
                self._discard_unsent()
                return True
            # Files travel with the first byte.
            if close:
                close_all(files)
            if sent < len(data):
                self._unsent[0] = (data[sent:], (), False)
            else:
                self._unsent.popleft()
        return True

    def _send(self, data: memoryview, files: Sequence[FileIO]) -> int:
        if not files:
            return self._socket.send(data, NO_SIGPIPE)
        return send_fds(self._socket, data, [file.fileno() for file in files], _PATIENCE)

    def receive(self) -> list[tuple[bytes, tuple[FileIO, ...]]]:
        """Return the messages that one read completes; their files belong to the caller.

        The connection counts as closed when files are lost because this process has too many open: later ones could not
        be matched to their messages.
        """
        try:
            data, descriptors = self._read()
        except BlockingIOError:
            return []
        except OSError:
            data, descriptors = b"", []
        self._files.extend(to_files(descriptors))
        if self.eof or not data:
            self.eof = True
            return []
        self._received += data
        return self._split()

    def _read(self) -> tuple[bytes, list[int]]:
        try:
            return receive_fds(self._socket, _CHUNK)
        except ConnectionResetError:
            # Raised once if the other end had unread input; what it sent before can still be read.
            return receive_fds(self._socket, _CHUNK)

    def _split(self) -> list[tuple[bytes, tuple[FileIO, ...]]]:
        messages = []
        start = 0
        while start + _HEADER.size <= len(self._received):
            size, count = _HEADER.unpack_from(self._received, start)
            payload = start + _HEADER.size
            # Files come with the first byte.
            if (self._max_payload is not None and size > self._max_payload) or count > len(self._files):
                self.eof = True
                start = len(self._received)
                break
            if payload + size > len(self._received):
                break
            start = payload + size
            files = tuple(self._files.popleft() for _ in range(count))
            messages.append((bytes(memoryview(self._received)[payload:start]), files))
        del self._received[:start]
        return messages

    def close(self) -> None:
        """Close the socket, and all files that were not sent or not taken."""
        self._socket.close()
        close_all(self._files)
        self._discard_unsent()

    def _discard_unsent(self) -> None:
        for _, files, close in self._unsent:
            if close:
                close_all(files)
        self._unsent.clear()
