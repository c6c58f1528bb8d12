"""Requests to a real server that are malformed, ambiguous or endless: one clean answer, and no second request."""

import contextlib
import socket
import time
from collections.abc import Iterator

import pytest

from forkresize.gateway.headers import POLICY
from tests.gateway.wire import DEADLINE, GOOD, Connect, Seen, read_all, serve, wait_until


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Connect, Seen]]:
    with serve() as found:
        yield found


@pytest.fixture
def connect(server: tuple[Connect, Seen]) -> Connect:
    return server[0]


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /" + b"a" * 300_000, 414),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 60_000, 431),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 300_000, 431),
        (b"GET / HTTP/1.1\r\n" + b"y" * 300_000, 431),
        (b"\x16\x03\x01\x02\x00\x01\x00", 400),
        (b"\x00" * 100, 400),
        (b"GET http://[ HTTP/1.1\r\n\r\n", 400),
        (b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", 400),
        (b"\r\n" * 200_000 + b"GARBAGE /", 400),
    ],
)
def test_a_head_without_end_or_sense_is_refused(connect: Connect, head: bytes, status: int) -> None:
    with connect() as connection:
        connection.sendall(head)
        response = read_all(connection)
    assert response.startswith(b"HTTP/1.1 %d " % status)
    assert POLICY in response
    assert b"content-type: application/problem+json\r\n" in response
    assert b"connection: close\r\n" in response


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "request_",
    [
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + SMUGGLED,
        b"POST /good HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\n" + SMUGGLED,
        b"POST /good HTTP/1.1\r\nHost: x\r\nContent-Length: 0, 44\r\n\r\n" + SMUGGLED,
        b"POST /good HTTP/1.1\r\nHost: x\r\nContent-Length: +0\r\n\r\n" + SMUGGLED,
        b"POST /good HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n" + SMUGGLED,
        b"POST /good HTTP/1.1\r\nHost: x\r\nContent-Length: 0x2c\r\n\r\n" + SMUGGLED,
        b"POST /good HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n" + SMUGGLED,
        b"POST /good HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n" + SMUGGLED,
        b"POST /good HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n" + SMUGGLED,
        b"POST /good HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + SMUGGLED,
        b"GET /good HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\nbad" + SMUGGLED,
        b"GET /good HTTP/1.1\nHost: x\n\n" + SMUGGLED,
        b"GET /good HTTP/1.1\r\nHost: x\r\nX: a\rGET /smuggled HTTP/1.1\r\n\r\n",
        b"GET /good HTTP/1.1\r\nHost: x\r\nX\x00: a\r\n\r\n" + SMUGGLED,
        b"GET /good HTTP/1.1\r\nHost: x\r\nX: \x00\r\n\r\n" + SMUGGLED,
    ],
)  # fmt: skip
def test_an_ambiguous_request_hides_no_second_one(server: tuple[Connect, Seen], request_: bytes) -> None:
    connect, seen = server
    with connect() as connection:
        connection.sendall(request_)
        connection.shutdown(socket.SHUT_WR)
        read_all(connection)
    assert b"/smuggled" not in seen.targets


@pytest.mark.parametrize("hosts", [b"", b"Host: x\r\nHost: x\r\n", b"Host: x\r\nAccept: */*\r\nhost: y\r\n"])
def test_a_request_without_one_host_is_refused(server: tuple[Connect, Seen], hosts: bytes) -> None:
    connect, seen = server
    with connect() as connection:
        connection.sendall(b"GET /hosts HTTP/1.1\r\n" + hosts + b"\r\n")
        assert read_all(connection).startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"/hosts" not in seen.targets


def test_http_1_0_needs_no_host(connect: Connect) -> None:
    with connect() as connection:
        connection.sendall(b"GET /good HTTP/1.0\r\n\r\n")
        assert read_all(connection).startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_request_that_is_answered_before_its_end_is_answered_cleanly_and_ends_the_connection(
    connect: Connect,
) -> None:
    with connect() as connection:
        connection.sendall(b"POST /good HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n\r\n")
        started = time.monotonic()
        # The server reads on for a moment: it does not reset the connection before the client has the answer.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            while time.monotonic() - started < 1:
                connection.sendall(b"x" * 1000)
        response = read_all(connection)
    assert response.endswith(b"ok")


def test_an_endless_body_ends_with_its_answer(connect: Connect) -> None:
    with connect() as connection:
        connection.sendall(b"POST /good HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        started = time.monotonic()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            while time.monotonic() - started < DEADLINE:
                connection.sendall(b"400\r\n" + b"x" * 1024 + b"\r\n")
        assert time.monotonic() - started < DEADLINE


def test_several_requests_on_one_connection_are_answered(connect: Connect) -> None:
    with connect() as connection:
        connection.sendall(GOOD * 3 + b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" + GOOD)
        connection.sendall(b"GET /good HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert read_all(connection).count(b"HTTP/1.1 200 OK") == 6


def test_trailers_are_not_headers_and_do_not_grow() -> None:
    with serve() as (connect, seen), connect() as connection:
        connection.sendall(b"POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n")
        connection.sendall(b"Authorization: Bearer x\r\n" * 100)
        wait_until(lambda: bool(seen.headers))
        assert [name for name, _ in seen.headers[0]] == [b"host", b"transfer-encoding"]
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for _ in range(10_000):
                connection.sendall(b"Authorization: Bearer x\r\n" * 100)
        response = read_all(connection)
        assert not response or response.startswith(b"HTTP/1.1 400 ")
        assert len(seen.headers[0]) == 2


@pytest.mark.parametrize("body", [b"zz\r\n", b"1\r\nxyz\r\n", b"-1\r\n", b"1;" + b"e" * 200_000])
def test_a_body_that_makes_no_sense_is_refused_at_once(connect: Connect, body: bytes) -> None:
    with connect() as connection:
        started = time.monotonic()
        connection.sendall(b"POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
        assert read_all(connection).startswith(b"HTTP/1.1 400 Bad Request\r\n")
        assert time.monotonic() - started < 5


def test_nonsense_after_a_request_does_not_cost_its_answer() -> None:
    with serve() as (connect, seen), connect() as connection:
        connection.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        assert seen.is_waiting.wait(DEADLINE)
        connection.sendall(b"\x00\x00\x00")
        seen.may_answer.set()
        response = read_all(connection)
    assert response.startswith(b"HTTP/1.1 200 OK")
    assert response.endswith(b"ok")


def test_many_requests_at_once_on_a_connection_are_not_kept() -> None:
    with serve() as (connect, seen), connect() as connection:
        connection.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n" + GOOD * 5000)
        assert seen.is_waiting.wait(DEADLINE)
        [protocol] = seen.connections
        wait_until(lambda: not protocol.pipeline)
        seen.may_answer.set()
        # The answer that had begun ends, and so does the connection.
        assert read_all(connection).count(b"HTTP/1.1 200 OK") == 1
