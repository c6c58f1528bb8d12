"""Small documents of other servers, within bounds of time and size: ``fetch``."""

import contextlib
import socket
import threading
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, IncompleteRead
from typing import Any
from urllib.request import HTTPHandler, HTTPRedirectHandler, HTTPSHandler, Request, build_opener

from forkresize.errors import describe


def fetch(url: str, seconds: float, max_size: int) -> bytes:
    """Return what an ``http:`` or ``https:`` URL holds. Redirects are not followed.

    The time-outs of sockets are for each read: a server that sends a byte now and then would hold a thread without end.

    Args:
        url: of the document.
        seconds: for all of it, except for the look-up of the server's name.
        max_size: bytes of the document.

    Raises:
        OSError: it cannot be fetched, or not within the time.
        ValueError: it is larger.
    """
    sockets = _Sockets()
    timer = threading.Timer(seconds, sockets.end)
    timer.daemon = True
    timer.start()
    data = b""
    try:
        data = _read(url, seconds, max_size + 1, sockets)
    except (OSError, HTTPException) as error:
        # After the time, what the ended connection looks like is not the reason.
        if not sockets.are_ended:
            raise OSError(describe(error) if isinstance(error, OSError) else str(error)) from error
    finally:
        timer.cancel()
        sockets.close()
    if sockets.are_ended:
        raise TimeoutError(f"no whole answer within {seconds:g} s")
    if len(data) > max_size:
        raise ValueError(f"larger than {max_size} bytes")
    return data


def _read(url: str, seconds: float, size: int, sockets: "_Sockets") -> bytes:
    opener = build_opener(_NoRedirects(), _Http(sockets), _Https(sockets))
    with opener.open(url, timeout=seconds) as response:
        data: bytes = response.read(size)
        if len(data) < size and response.length:
            raise IncompleteRead(data, response.length)
        return data


class _Sockets:
    """The connections of a fetch, which another thread ends when the time is over."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: list[socket.socket] = []
        self.are_ended = False

    def connect(self, *arguments: Any, **options: Any) -> socket.socket:
        """Connect as ``socket.create_connection`` does."""
        found = socket.create_connection(*arguments, **options)
        with self._lock:
            # A duplicate, which TLS leaves as it is.
            self._found.append(found.dup())
            if self.are_ended:
                found.close()
        return found

    def end(self) -> None:
        """End the connections: reads that wait return at once."""
        with self._lock:
            self.are_ended = True
            for each in self._found:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the duplicates."""
        with self._lock:
            for each in self._found:
                each.close()
            self._found.clear()


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Let a redirect be an error."""


class _Http(HTTPHandler):
    def __init__(self, sockets: _Sockets) -> None:
        super().__init__()
        self._sockets = sockets

    def http_open(self, req: Request) -> HTTPResponse:
        """Open a URL."""
        return self.do_open(_watch(HTTPConnection, self._sockets), req)


class _Https(HTTPSHandler):
    def __init__(self, sockets: _Sockets) -> None:
        super().__init__()
        self._sockets = sockets

    def https_open(self, req: Request) -> HTTPResponse:
        """Open a URL."""
        return self.do_open(_watch(HTTPSConnection, self._sockets), req)


def _watch(kind: type[HTTPConnection], sockets: _Sockets) -> Callable[..., HTTPConnection]:
    """Return what makes connections whose sockets can be ended."""

    def create(*arguments: Any, **options: Any) -> HTTPConnection:
        connection = kind(*arguments, **options)
        connection._create_connection = sockets.connect  # type: ignore[attr-defined]  # noqa: SLF001 -- there is no other way to its socket before the TLS handshake.
        return connection

    return create
