"""Requests without end, slow clients, ambiguous requests and many connections: each ends with a clean answer."""

import contextlib
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.gateway.attacks.conftest import KEY, MAX_CONNECTIONS, SIGNER, Target
from tests.gateway.conftest import DEADLINE

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not Path("/proc").exists(), reason="measures by /proc")]


def head(path: str, *headers: str) -> bytes:
    return "\r\n".join(
        [f"POST {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {KEY.key}", *headers, "", ""]
    ).encode()


def read_all(connection: socket.socket) -> bytes:
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(1 << 16):
            parts.append(part)
    return b"".join(parts)


ENDLESS = [
    (head("/v1/transform?width=8", "Content-Length: 99999999999"), b""),
    (head("/v1/transform?width=8", "Content-Length: " + "9" * 60), b""),
    (head("/v1/transform?width=8", "Transfer-Encoding: chunked"), b"10000\r\n" + b"x" * 65_536 + b"\r\n"),
    (head("/v1/transform?width=8", "Transfer-Encoding: chunked", "Content-Type: multipart/form-data; boundary=b")
     + b"1b\r\n--b\r\nContent-Disposition: \r\n", b"10000\r\n" + b"x" * 65_536 + b"\r\n"),
    (head("/v1/transform?" + "a" * 9000, "Content-Length: 0", "Connection: close"), b""),
    (head("/", "X: " + "y" * 40_000, "Content-Length: 0", "Connection: close"), b""),
    (head("/", *["X: y"] * 200, "Content-Length: 0", "Connection: close"), b""),
    (head("/", "Transfer-Encoding: chunked"), b"10000\r\n" + b"x" * 65_536 + b"\r\n"),
    (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"ext=" + b"e" * 65_536),
    (b"GET /", b"a" * 65_536),
    (b"GET / HTTP/1.1\r\n", b"X: y\r\n" * 10_000),
    (b"GET / HTTP/1.1\r\nX: ", b"y" * 65_536),
]  # fmt: skip


def send_without_end(target: Target, start: bytes, repeated: bytes) -> bytes:
    """Send a part of a request again and again until the gateway has enough; return its answer."""
    with target.connect() as connection:
        connection.sendall(start)
        deadline = time.monotonic() + DEADLINE
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            while repeated:
                connection.sendall(repeated)
                assert time.monotonic() < deadline, start
        return read_all(connection)


def test_what_never_ends_is_ended(target: Target) -> None:
    with ThreadPoolExecutor(len(ENDLESS)) as threads:
        answers = [threads.submit(send_without_end, target, *parts) for parts in ENDLESS]
        for (start, repeated), answer in zip(ENDLESS, answers, strict=True):
            response = answer.result()
            # A client that goes on sending may lose the answer.
            assert not response or 400 <= int(response[9:12]) < 500, (start, response[:100])
            assert response or repeated, start


def send_slowly(target: Target, start: bytes) -> tuple[bytes, float]:
    """Send 10,000 bytes an hour until the gateway has enough; return its answer, and the seconds that it took."""
    started = time.monotonic()
    with target.connect() as connection:
        connection.sendall(start)
        connection.settimeout(0.36)
        while time.monotonic() - started < DEADLINE:
            with contextlib.suppress(TimeoutError):
                return connection.recv(1 << 16), time.monotonic() - started
            connection.sendall(b"x")
    return b"", time.monotonic() - started


def test_slow_clients_are_given_up_together(target: Target) -> None:
    starts = [b"GET /", b"GET / HTTP/1.1\r\nX: ", head("/v1/transform?width=8", "Content-Length: 1000000"),
              head("/v1/transform?width=8", "Transfer-Encoding: chunked") + b"fffff\r\n"] * 10  # fmt: skip
    with ThreadPoolExecutor(len(starts)) as threads:
        answers = [threads.submit(send_slowly, target, start) for start in starts]
        # Others are served while they wait.
        assert target.is_well()
        for answer in answers:
            response, seconds = answer.result()
            assert response.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
            assert seconds < 30


SMUGGLED = f"GET {SIGNER.url('/rs:fit:33:0/plain/photos/one.jpg')} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


@pytest.mark.parametrize(
    "headers",
    [
        ["Content-Length: 5", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", "Content-Length: 5"],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
        ["Transfer-Encoding: identity, chunked, identity"],
        ["Content-Length: 5", "Content-Length: 6"],
        ["Content-Length: 5,5"],
        ["Content-Length: 5", " folded: yes"],
        ["Content-Length : 5"],
        ["Content-Length: 0\nTransfer-Encoding: chunked"],
    ],
)
def test_two_readings_of_a_request_are_one_refusal(target: Target, headers: list[str]) -> None:
    with target.connect() as connection:
        connection.sendall(head("/", *headers) + b"0\r\n\r\n" + SMUGGLED)
        connection.shutdown(socket.SHUT_WR)
        response = read_all(connection)
    assert response.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert response.count(b"HTTP/1.1") == 1


def test_a_thousand_connections_leave_room_for_the_health_check(target: Target) -> None:
    with contextlib.ExitStack() as stack:
        some = [stack.enter_context(target.connect()) for _ in range(MAX_CONNECTIONS - 50)]
        for number, connection in enumerate(some):
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n" if number % 2 else b"GET / HT")
        assert target.is_well()
        rest = [stack.enter_context(target.connect()) for _ in range(1000 - len(some))]
        refused = 0
        for connection in rest:
            connection.settimeout(DEADLINE)
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answer = read_all(connection)
            refused += answer.startswith(b"HTTP/1.1 503 ") or not answer
        assert refused > 0
        assert all(connection.recv(12) == b"HTTP/1.1 200" for connection in some[1::2])
