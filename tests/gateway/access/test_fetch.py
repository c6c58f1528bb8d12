"""Documents of other servers: whole, and within bounds of time and size, for servers that do what they should not."""

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from forkresize.gateway.access.fetch import fetch

DEADLINE = 30.0

_HEAD = b"HTTP/1.1 200 OK\r\n"


@contextlib.contextmanager
def serve(answer: Callable[[socket.socket], object]) -> Iterator[str]:
    """Answer one request, as bytes on a connection; yield the address of the server."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run() -> None:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                connection.recv(4096)
                answer(connection)

        thread = threading.Thread(target=run)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}/keys"
        thread.join(DEADLINE)
        assert not thread.is_alive()


def drip(before: bytes, data: bytes) -> Callable[[socket.socket], object]:
    """Return an answer without end: a byte every 20 ms."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(before)
        for byte in itertools.cycle(data):
            connection.sendall(bytes([byte]))
            time.sleep(0.02)

    return answer


@pytest.mark.parametrize(
    ("scheme", "answer"),
    [
        ("http", drip(b"", b"HTTP/1.1 200 OK")),
        ("http", drip(_HEAD, b"X: y\r\n")),
        ("http", drip(_HEAD + b"\r\n", b"{")),
        ("http", drip(_HEAD + b"Content-Length: 1000\r\n\r\n", b"{")),
        # The records of a handshake: 16 kB of the first one are announced.
        ("https", drip(b"\x16\x03\x03\x40\x00", b"\x02")),
    ],
)
def test_a_server_that_is_slow_without_end_is_given_up(scheme: str, answer: Callable[[socket.socket], object]) -> None:
    with serve(answer) as place:
        started = time.monotonic()
        with pytest.raises(TimeoutError, match=r"no whole answer within 0.3 s"):
            fetch(f"{scheme}://{place}", 0.3, 1000)
        assert time.monotonic() - started < DEADLINE / 2


def test_a_document_without_end_is_refused() -> None:
    def answer(connection: socket.socket) -> None:
        connection.sendall(_HEAD + b"\r\n")
        while True:
            connection.sendall(bytes(10_000))

    with serve(answer) as place, pytest.raises(ValueError, match="larger than 1000 bytes"):
        fetch(f"http://{place}", DEADLINE, 1000)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n", "302"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "404"),
        (b"no HTTP\r\n", "no HTTP"),
        (_HEAD + b"Content-Length: 10\r\n\r\nshort", "5 more expected"),
        (b"", "without response"),
    ],
)
def test_an_answer_without_the_document_is_an_error(answer: bytes, message: str) -> None:
    with (
        serve(lambda connection: connection.sendall(answer)) as place,
        pytest.raises(OSError, match=message),
    ):
        fetch(f"http://{place}", DEADLINE, 1000)


def test_a_document_within_the_bounds_is_returned() -> None:
    with serve(lambda connection: connection.sendall(_HEAD + b"\r\n{}")) as place:
        assert fetch(f"http://{place}", DEADLINE, 2) == b"{}"
