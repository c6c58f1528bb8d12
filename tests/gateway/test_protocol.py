"""Clients of a real server that are slow, too many, or gone: they are given up, and the others go on."""

import contextlib
import socket
import time

import pytest

from tests.gateway.wire import BIG, DEADLINE, GOOD, read_all, read_answer, serve, wait_until


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


@pytest.mark.parametrize("proxies", [(), ("127.0.0.1/32",)])
def test_an_address_has_a_share_of_the_connections_unless_it_is_a_proxy(proxies: tuple[str, ...]) -> None:
    with serve(connections_per_address=3, proxies=proxies) as (connect, seen), contextlib.ExitStack() as stack:
        first, *_ = [stack.enter_context(connect()) for _ in range(3)]
        wait_until(lambda: len(seen.connections) == 3)
        with connect() as beyond:
            beyond.sendall(GOOD)
            status = b"200 OK" if proxies else b"503 Service Unavailable"
            assert beyond.recv(1 << 16).startswith(b"HTTP/1.1 " + status)
        with connect(source_address=("127.0.0.2", 0)) as other:
            other.sendall(GOOD)
            assert read_answer(other).startswith(b"HTTP/1.1 200 OK")
        first.close()
        wait_until(lambda: len(seen.connections) == 2)
        with connect() as another:
            another.sendall(GOOD)
            assert read_answer(another).startswith(b"HTTP/1.1 200 OK")


def test_an_address_cannot_take_the_places_of_others_by_connections_that_are_refused() -> None:
    with serve(connections=20, connections_per_address=3) as (connect, _), contextlib.ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(connect())
        with connect(source_address=("127.0.0.2", 0)) as other:
            other.sendall(GOOD)
            assert read_answer(other).startswith(b"HTTP/1.1 200 OK")


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


@pytest.mark.parametrize("path", [b"/follow", b"/wait"])
def test_a_client_that_leaves_is_noticed_while_its_next_request_waits(
    path: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with serve() as (connect, seen):
        with connect() as connection:
            connection.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n" + GOOD)
            assert seen.is_waiting.wait(DEADLINE)
        if path == b"/wait":
            # An application that does not ask is not notified; its answer is dropped.
            seen.may_answer.set()
        else:
            assert seen.is_gone.wait(DEADLINE)
        wait_until(lambda: not seen.connections)
    assert seen.targets == [path]
    assert "Exception in ASGI application" not in caplog.text


def test_what_is_refused_here_is_reported() -> None:
    with serve(head_timeout=0.3) as (connect, seen):
        for start in (b"GARBAGE", b"GET /", b"GET / HTTP/1.1\r\nX: " + b"y" * 300_000):
            with connect() as connection:
                connection.sendall(start)
                read_all(connection)
        with connect() as connection:
            connection.sendall(GOOD)
            read_answer(connection)
        # Nothing was sent on this one: no request was refused.
        with connect() as connection:
            assert read_all(connection) == b""
    assert [problem.status for problem in seen.refused] == [400, 408, 431]
