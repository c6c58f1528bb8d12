"""Connections to a real server: slow, endless, too many, and smuggled requests end with a clean answer."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from forkresize.gateway.bounds import WireLimits
from forkresize.gateway.headers import POLICY
from forkresize.gateway.protocol import BoundedProtocol

DEADLINE = 30.0
BIG = b"x" * 8_000_000
GOOD = b"GET /good HTTP/1.1\r\nHost: x\r\n\r\n"


class Seen:
    """What reached the application, and the connections of its server."""

    connections: set[Any]

    def __init__(self) -> None:
        self.targets: list[bytes] = []
        self.headers: list[list[tuple[bytes, bytes]]] = []
        self.is_waiting = threading.Event()
        self.is_gone = threading.Event()
        self.may_answer = threading.Event()


async def answer(scope: Scope, receive: Receive, send: Send, seen: Seen) -> None:
    seen.targets.append(scope["raw_path"])
    seen.headers.append(scope["headers"])
    if scope["path"] == "/wait":
        seen.is_waiting.set()
        await asyncio.to_thread(seen.may_answer.wait, DEADLINE)
    if scope["path"] == "/follow":
        seen.is_waiting.set()
        while (await receive())["type"] != "http.disconnect":
            pass
        seen.is_gone.set()
    if scope["path"] == "/read":
        while (await receive()).get("more_body"):
            pass
    body = BIG if scope["path"] == "/big" else b"ok"
    length = str(len(body)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    await send({"type": "http.response.body", "body": body})


@contextlib.contextmanager
def serve(**limits: Any) -> Iterator[tuple[Callable[[], socket.socket], Seen]]:
    """Serve until the body ends; yield what opens a connection, and what the application saw."""
    seen = Seen()
    config = uvicorn.Config(
        partial(answer, seen=seen),
        http=partial(BoundedProtocol, WireLimits(**limits)),  # type: ignore[arg-type]
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=1,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    seen.connections = server.server_state.connections
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield partial(socket.create_connection, listener.getsockname(), DEADLINE), seen
    finally:
        seen.may_answer.set()
        server.should_exit = True
        thread.join()
        listener.close()


def read_all(connection: socket.socket) -> bytes:
    """Return everything until the server ends the connection."""
    parts = []
    while part := connection.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Callable[[], socket.socket], Seen]]:
    with serve() as found:
        yield found


@pytest.fixture
def connect(server: tuple[Callable[[], socket.socket], Seen]) -> Callable[[], socket.socket]:
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
def test_a_head_without_end_or_sense_is_refused(connect: Callable[[], socket.socket], head: bytes, status: int) -> None:
    with connect() as connection:
        connection.sendall(head)
        response = read_all(connection)
    assert response.startswith(b"HTTP/1.1 %d " % status)
    assert POLICY in response
    assert b"content-type: application/problem+json\r\n" in response
    assert b"connection: close\r\n" in response


def read_answer(connection: socket.socket) -> bytes:
    """Return one answer of an application that answers with ``ok``."""
    answer = b""
    while not answer.endswith(b"ok"):
        part = connection.recv(1 << 16)
        assert part, answer
        answer += part
    return answer


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "request_",
    [
        b"POST /good HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
        b"POST /good HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + SMUGGLED,
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
def test_an_ambiguous_request_hides_no_second_one(
    server: tuple[Callable[[], socket.socket], Seen], request_: bytes
) -> None:
    connect, seen = server
    with connect() as connection:
        connection.sendall(request_)
        connection.shutdown(socket.SHUT_WR)
        read_all(connection)
    assert b"/smuggled" not in seen.targets


def test_a_request_that_is_answered_before_its_end_is_answered_cleanly_and_ends_the_connection(
    connect: Callable[[], socket.socket],
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


def test_an_endless_body_ends_with_its_answer(connect: Callable[[], socket.socket]) -> None:
    with connect() as connection:
        connection.sendall(b"POST /good HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        started = time.monotonic()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            while time.monotonic() - started < DEADLINE:
                connection.sendall(b"400\r\n" + b"x" * 1024 + b"\r\n")
        assert time.monotonic() - started < DEADLINE


def test_several_requests_on_one_connection_are_answered(connect: Callable[[], socket.socket]) -> None:
    with connect() as connection:
        connection.sendall(GOOD * 3 + b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" + GOOD)
        connection.sendall(b"GET /good HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert read_all(connection).count(b"HTTP/1.1 200 OK") == 6


@pytest.mark.parametrize(
    "start", [b"", b"G", b"GET / HTTP/1.1\r\nHost: x\r\nX: ", b"\r\n", GOOD + b"\r\n", GOOD + b"GET /"]
)
def test_a_slow_head_is_given_up(start: bytes) -> None:
    with serve(head_timeout=0.3) as (connect, _), connect() as connection:
        connection.sendall(start)
        response = read_all(connection)
    _, _, end = response.rpartition(b"ok")
    is_begun = start.removeprefix(GOOD).strip()
    assert end.startswith(b"HTTP/1.1 408 Request Timeout\r\n") if is_begun else not end


def test_bytes_now_and_then_do_not_keep_a_head_alive() -> None:
    with serve(head_timeout=0.5) as (connect, _), connect() as connection:
        connection.settimeout(0.05)
        started = time.monotonic()
        connection.sendall(b"GET /")
        response = b""
        while not response and time.monotonic() - started < DEADLINE:
            connection.sendall(b"X")
            with contextlib.suppress(TimeoutError):
                response = connection.recv(1 << 16)
    assert response.startswith(b"HTTP/1.1 408 ")


def test_a_request_that_takes_long_is_not_cut_by_the_limit_for_heads() -> None:
    with serve(head_timeout=0.2) as (connect, seen), connect() as connection:
        connection.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert seen.is_waiting.wait(DEADLINE)
        connection.sendall(b"\r\nGET /")
        connection.settimeout(0.6)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        connection.settimeout(DEADLINE)
        seen.may_answer.set()
        assert read_all(connection).startswith(b"HTTP/1.1 200 OK")


def test_connections_beyond_the_limit_are_refused_and_others_go_on() -> None:
    with serve(connections=3) as (connect, _), contextlib.ExitStack() as stack:
        first, *others = [stack.enter_context(connect()) for _ in range(3)]
        for each in (first, *others):
            each.sendall(GOOD)
            assert read_answer(each).startswith(b"HTTP/1.1 200 OK")
        with connect() as beyond:
            response = read_all(beyond)
        assert response.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        assert b"retry-after: 1\r\n" in response
        first.sendall(GOOD)
        assert read_answer(first).startswith(b"HTTP/1.1 200 OK")
        others[0].close()
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline:
            with connect() as again:
                again.sendall(b"GET /good HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                if read_all(again).startswith(b"HTTP/1.1 200 OK"):
                    break
        else:
            pytest.fail("the place of a closed connection was not given to another one")


def test_a_client_that_does_not_read_is_given_up_and_one_that_reads_is_not() -> None:
    with serve(body_grace=0.5, body_rate=1000) as (connect, seen):
        lazy = connect()
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with lazy, connect() as eager:
            for each in (lazy, eager):
                each.sendall(b"GET /big HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert len(read_all(eager)) > len(BIG)
            deadline = time.monotonic() + DEADLINE
            while seen.connections:
                assert time.monotonic() < deadline, "the connection of a client that does not read is kept"
                time.sleep(0.05)


def test_responses_that_are_not_read_are_bounded_together_and_the_oldest_goes_first() -> None:
    with serve(unsent=len(BIG)) as (connect, seen), contextlib.ExitStack() as stack:
        lazy = [stack.enter_context(connect()) for _ in range(6)]
        for number, each in enumerate(lazy):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            each.sendall(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
            wait_until(lambda count=number: len(seen.targets) > count)  # type: ignore[misc]
        wait_until(lambda: sum(each.unsent for each in set(seen.connections)) <= len(BIG))
        wait_until(lambda: len(seen.connections) < 6)
        assert lazy[-1].recv(12) == b"HTTP/1.1 200"


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_many_requests_at_once_on_a_connection_are_not_kept() -> None:
    with serve() as (connect, seen), connect() as connection:
        connection.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n" + GOOD * 5000)
        assert seen.is_waiting.wait(DEADLINE)
        [protocol] = seen.connections
        wait_until(lambda: not protocol.pipeline)
        seen.may_answer.set()
        # The answer that had begun ends, and so does the connection.
        assert read_all(connection).count(b"HTTP/1.1 200 OK") == 1


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
def test_a_body_that_makes_no_sense_is_refused_at_once(connect: Callable[[], socket.socket], body: bytes) -> None:
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


@pytest.mark.parametrize("path", [b"/follow", b"/wait"])
def test_a_client_that_leaves_is_noticed_while_its_next_request_waits(
    path: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with serve() as (connect, seen):
        with connect() as connection:
            connection.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n" + GOOD)
            assert seen.is_waiting.wait(DEADLINE)
        assert path == b"/wait" or seen.is_gone.wait(DEADLINE)
        wait_until(lambda: not seen.connections)
        seen.may_answer.set()
    assert seen.targets == [path]
    assert "Exception in ASGI application" not in caplog.text
