"""An HTTP proxy in front of a server that fails, stalls and cuts answers on demand."""

import http.client
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tests.servers.program import HOST

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade"}


class Kind(StrEnum):
    """What happens to a request."""

    STATUS = "status"
    """It is not passed on; the answer is an error of the store."""
    CUT = "cut"
    """It is not passed on; the connection is closed."""
    CUT_ANSWER = "cut-answer"
    """It is passed on; the connection is closed in the middle of the answer's body, or before the answer has begun."""
    STALL = "stall"
    """It is not passed on, and not answered until the proxy ends."""
    STALL_ANSWER = "stall-answer"
    """It is passed on; the answer stops in the middle of its body, or before it, until the proxy ends."""
    SHORT = "short"
    """It is passed on; the answer is complete, but holds and announces only half of the body."""


class Fault(NamedTuple):
    """What happens to the next requests of a kind.

    Attributes:
        kind: what happens.
        times: to how many requests.
        methods: those of the requests that it applies to.
        status: of the answer.
        body: of the answer.
        path: part of the paths of the requests.
    """

    kind: Kind
    times: int = 1
    methods: tuple[str, ...] = ("GET", "HEAD", "PUT", "DELETE", "POST")
    status: int = 503
    body: bytes = (
        b"<Error><Code>SlowDown</Code><Message>m</Message><AWSAccessKeyId>test-access</AWSAccessKeyId></Error>"
    )
    path: str = ""


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Print what went wrong, unless a client that was killed or that gave up has cut its connection."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class FaultProxy:
    """Passes requests on to a server, but for those that a fault applies to.

    Attributes:
        requests: method and path of each request so far.
    """

    def __init__(self, upstream: str) -> None:
        """Start it in front of the URL of a server."""
        self.requests: list[tuple[str, str]] = []
        self.ended = threading.Event()
        self._upstream = urlsplit(upstream)
        self._faults: list[Fault] = []
        self._changing = threading.Lock()
        proxy = self

        class Handler(_Handler):
            owner = proxy

        self._server = _Server((HOST, 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def endpoint(self) -> str:
        """Its own URL."""
        return f"http://{HOST}:{self._server.server_address[1]}{self._upstream.path}"

    def stop(self) -> None:
        """End it, with the requests that stall."""
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()

    @contextmanager
    def fail(self, *faults: Fault) -> Iterator[None]:
        """Apply faults to the next requests, until the block ends."""
        with self._changing:
            self._faults = list(faults)
            self.requests.clear()
        try:
            yield
        finally:
            with self._changing:
                self._faults = []

    def find_fault(self, method: str, path: str) -> Fault | None:
        """Return the fault of a request, and count it."""
        with self._changing:
            self.requests.append((method, path))
            for number, fault in enumerate(self._faults):
                if fault.times and method in fault.methods and fault.path in path:
                    self._faults[number] = fault._replace(times=fault.times - 1)
                    return fault
        return None

    def ask(self, handler: BaseHTTPRequestHandler, body: bytes) -> tuple[http.client.HTTPResponse, bytes]:
        """Pass a request on unchanged, so that its signature stays valid, and return the answer and its body."""
        connection = http.client.HTTPConnection(self._upstream.netloc, timeout=60)
        connection.putrequest(handler.command, handler.path, skip_host=True, skip_accept_encoding=True)
        for name, value in handler.headers.items():
            if name.lower() not in _HOP_BY_HOP | {"expect"}:
                connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer, data


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: FaultProxy

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self.handle_any
        raise AttributeError(name)

    def handle_any(self) -> None:
        """Handle a request of any method."""
        body = self._read_body()
        fault = self.owner.find_fault(self.command, self.path)
        kind = fault.kind if fault else None
        if kind is Kind.STALL:
            self.owner.ended.wait()
        if kind in {Kind.STALL, Kind.CUT}:
            self._close()
        elif fault and kind is Kind.STATUS:
            self._answer(fault.status, {"Content-Type": "application/xml"}, fault.body)
        else:
            self._pass_on(body, kind)

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            pieces = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(pieces)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _pass_on(self, body: bytes, kind: Kind | None) -> None:
        answer, data = self.owner.ask(self, body)
        headers = {name: value for name, value in answer.getheaders() if name.lower() not in _HOP_BY_HOP}
        if kind in {None, Kind.SHORT}:
            self._answer(answer.status, headers, data[: len(data) // 2] if kind else data)
            return
        if data:
            self._begin(answer.status, {**headers, "Content-Length": str(len(data))})
            self.wfile.write(data[: len(data) // 2])
            self.wfile.flush()
        if kind is Kind.STALL_ANSWER:
            self.owner.ended.wait()
        self._close()

    def _answer(self, status: int, headers: dict[str, str], data: bytes) -> None:
        if self.command != "HEAD" and status not in {204, 304}:
            headers = {name: value for name, value in headers.items() if name.lower() != "content-length"}
            headers["Content-Length"] = str(len(data))
        self._begin(status, headers)
        if self.command != "HEAD":
            self.wfile.write(data)

    def _begin(self, status: int, headers: dict[str, str]) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _close(self) -> None:
        self.close_connection = True
        connection: Any = self.connection
        connection.shutdown(socket.SHUT_RDWR)
