"""A server with the gateway's protocol, before an application that notes what reaches it."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.types import Receive, Scope, Send

from forkresize.gateway.bounds import WireLimits
from forkresize.gateway.protocol import BoundedProtocol

if TYPE_CHECKING:
    from forkresize.gateway.problem import Problem

DEADLINE = 30.0
BIG = b"x" * 8_000_000
GOOD = b"GET /good HTTP/1.1\r\nHost: x\r\n\r\n"

Connect = Callable[..., socket.socket]


class Seen:
    """What reached the application, what was refused before it, and the connections of its server."""

    connections: set[Any]

    def __init__(self) -> None:
        self.targets: list[bytes] = []
        self.refused: list[Problem] = []
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
def serve(**limits: Any) -> Iterator[tuple[Connect, Seen]]:
    """Serve until the body ends; yield what opens a connection, and what the application saw."""
    seen = Seen()
    config = uvicorn.Config(
        partial(answer, seen=seen),
        http=partial(BoundedProtocol, WireLimits(**limits), seen.refused.append),  # type: ignore[arg-type]
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


def read_answer(connection: socket.socket) -> bytes:
    """Return one answer of an application that answers with ``ok``."""
    answer = b""
    while not answer.endswith(b"ok"):
        part = connection.recv(1 << 16)
        assert part, answer
        answer += part
    return answer


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)
