"""HTTP with bounds on what clients may do before and after the application answers them: BoundedProtocol.

uvicorn has a time limit for idle connections alone. This protocol adds one for the head of a request and one for
responses that are not read, bounds the head and the number of connections, and lets clients read an answer that came
before the end of their request.
"""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from forkresize.gateway.access.proxies import is_proxy
from forkresize.gateway.access.rate_limits import group_address
from forkresize.gateway.bounds import WireLimits
from forkresize.gateway.headers import format_problem
from forkresize.gateway.problem import Problem
from forkresize.gateway.transport import LingeringTransport, send_at_once

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application

_LINGER = 2.0
"""Seconds for which the rest of a request is read and dropped. A connection that is closed with data that were not read
is reset, and the client may lose the answer."""

_MAX_REFUSED = 100
"""Connections beyond the limit that get an answer."""

_MAX_REFUSED_OF_ADDRESS = 10
"""Connections of an address beyond its share that get an answer: until it is read, they count among all."""

_MAX_PIPELINED = 16
"""Requests that wait on a connection for the answer to the one before them."""

_FRAMING = 8
"""Bytes for each byte of a body that its chunks may take besides it; trailers are among them."""


class _InvalidRequestError(Exception):
    """A request has not one header ``Host`` (RFC 9112, 3.2), or more requests wait on its connection than may."""


class BoundedProtocol(HttpToolsProtocol):
    """A connection.

    Attributes:
        address: of its client, as connections are counted; empty for none.
        writing_since: when its client began to be slow in reading a response, by the clock of the event loop.
        is_lingering: whether the connection is closed except for reading.

    Args:
        limits: of heads, responses and connections.
        on_refusal: called with each problem that is answered here, which the application does not see.
        options: what uvicorn passes.
    """

    def __init__(self, limits: WireLimits, on_refusal: Callable[[Problem], object], **options: Any) -> None:
        super().__init__(**options)
        self._limits = limits
        self._on_refusal = on_refusal
        self._max_head = limits.url + 2 * limits.header_bytes
        self._head_size = self._message_size = self._body_size = self._begun = 0
        self._is_over = False
        self._running: RequestResponseCycle | None = None
        self.writing_since = 0.0
        self.address = ""
        self._written = 0
        self._is_in_head = self._is_in_message = self.is_lingering = False
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin; refuse at once if there are too many connections."""
        send_at_once(transport)
        super().connection_made(cast("asyncio.Transport", LingeringTransport(transport, self)))
        self._start_timer("head", self._limits.head_timeout, self._expire_head)
        if len(self.connections) > self._limits.connections + _MAX_REFUSED:
            # An answer would take a descriptor each for a while.
            self.transport.abort()
        elif len(self.connections) > self._limits.connections:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "too many connections; try again", retry_after=1)
        elif (excess := self._count_excess()) > _MAX_REFUSED_OF_ADDRESS:
            self.transport.abort()
        elif excess > 0:
            text = "too many connections from this address; try again"
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, text, retry_after=1)

    def _count_excess(self) -> int:
        """Return how many connections the address of this one has beyond its share."""
        limits = self._limits
        # The peer of a Unix socket is a proxy.
        peer = self.client[0] if self.client else ""
        self.address = group_address(peer) if peer else ""
        if len(self.connections) <= limits.connections_per_address or not peer:
            return 0
        others = (each for each in self.connections if isinstance(each, BoundedProtocol))
        excess = sum(each.address == self.address for each in others) - limits.connections_per_address
        return 0 if excess <= 0 or is_proxy(peer, limits.proxies) else excess

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        # uvicorn does so for the newest request alone, which may wait for the answer to this one.
        if self._running is not None:
            self._running.disconnected = True
            self._running.message_event.set()
        self.pipeline.clear()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read a part of a request."""
        if self._is_closing():
            return
        was_in_message, begun = self._is_in_message, self._begun
        super().data_received(data)
        if self._is_closing():
            return
        # Line breaks before a request do not begin one; more of them give no more time. Most heads come whole.
        if self._is_in_head or (not was_in_message and self._begun == begun):
            self._limit_head()
        self._count(len(data))

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._head_size = self._message_size = self._body_size = 0
        self._is_in_head = self._is_in_message = True
        self._begun += 1
        self._stop_timer("head")

    def on_headers_complete(self) -> None:
        """Start the application."""
        self._is_in_head = False
        self._stop_timer("head")
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (not hosts and self.parser.get_http_version() == "1.1"):
            raise _InvalidRequestError
        super().on_headers_complete()
        if len(self.pipeline) > _MAX_PIPELINED:
            raise _InvalidRequestError

    def on_header(self, name: bytes, value: bytes) -> None:
        """Read a header; those after the body do not count."""
        if self._is_in_head:
            super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        """Read a part of the body."""
        self._body_size += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request."""
        self._is_in_message = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request; close the connection if this one is not over."""
        super().on_response_complete()
        if self._is_over or (self._is_in_message and not self._is_in_head):
            self.transport.close()
        self._watch_writing()

    def pause_writing(self) -> None:
        """Wait until the client has read."""
        super().pause_writing()
        self._watch_writing()
        # Answers that are too small for a pause take 64 KiB of a connection at most.
        self._bound_unsent()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP."""
        self._refuse(HTTPStatus.BAD_REQUEST, msg)

    def linger(self, transport: asyncio.Transport) -> bool:
        """Keep a connection for a moment, if its client is about to send more.

        Returns:
            Whether it is kept; otherwise, it is to be closed.
        """
        if self.is_lingering or not self._is_in_message or not transport.can_write_eof():
            return self.is_lingering
        self.is_lingering = True
        transport.write_eof()
        self.flow.resume_reading()
        self._start_timer("linger", _LINGER, transport.close)
        return True

    def count_written(self, size: int) -> None:
        """Count bytes that are about to be written; a client that has read everything gets its time anew."""
        if "write" in self._timers and not self.unsent:
            self._stop_timer("write")
        self._written += size

    @property
    def unsent(self) -> int:
        """Bytes of responses that the client has not taken."""
        return self.transport.get_write_buffer_size()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: "ASGI3Application") -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _is_closing(self) -> bool:
        return self.is_lingering or self._is_over

    def _count(self, size: int) -> None:
        """Count bytes that were read; refuse too many outside of a body."""
        if self._is_in_head:
            self._head_size += size
            if self._head_size > self._max_head:
                self._refuse_head()
        elif self._is_in_message:
            self._message_size += size
            if self._message_size - self._body_size > self._max_head + _FRAMING * self._body_size:
                self._refuse(HTTPStatus.BAD_REQUEST, "the body has too many bytes besides its content")

    def _limit_head(self) -> None:
        """Give a client its time for a head, once."""
        if "head" not in self._timers:
            self._start_timer("head", self._limits.head_timeout, self._expire_head)

    def _expire_head(self) -> None:
        if self._is_answering():
            # The next request is slow, while this one is answered.
            self._start_timer("head", self._limits.head_timeout, self._expire_head)
        elif self._is_in_head:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "the headers of the request arrive too slowly")
        else:
            self.transport.close()

    def _refuse_head(self) -> None:
        if len(self.url) > self._limits.url:
            self._refuse(HTTPStatus.REQUEST_URI_TOO_LONG, f"the URL is longer than {self._limits.url} bytes")
        else:
            text = f"the headers have more than {self._limits.header_bytes} bytes"
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, text)

    def _refuse(self, status: HTTPStatus, detail: str, retry_after: float | None = None) -> None:
        """Answer without the application, and close the connection. An answer to an earlier request comes first."""
        if self.transport.is_closing():
            return
        self._is_over = True
        self._is_in_message = True
        running = self._running
        if running is not None and not running.response_complete:
            if self.pipeline or running.response_started or not running.more_body:
                self.pipeline.clear()
                return
            # The application waits for the rest of a body that makes no sense.
            running.disconnected = True
            running.message_event.set()
        problem = Problem(status, detail, retry_after=retry_after)
        self.transport.write(format_problem(problem))
        self.transport.close()
        self._on_refusal(problem)

    def _is_answering(self) -> bool:
        return self._running is not None and not self._running.response_complete

    def _watch_writing(self) -> None:
        """Give up a client that reads a response too slowly."""
        size = self.unsent
        if size and "write" not in self._timers:
            self.writing_since = self.loop.time()
            self._start_timer("write", self._limits.body_grace, self._check_writing, self._written - size)

    def _check_writing(self, before: int) -> None:
        """Give up the client if it has taken too little since ``before``, its bytes so far."""
        self._stop_timer("write")
        size = self.unsent
        if size and self._written - size - before < self._limits.body_grace * self._limits.body_rate:
            self.transport.abort()
        else:
            self._watch_writing()

    def _bound_unsent(self) -> None:
        """Give up the clients that have read for the longest time, if what they have not read is too much."""
        others = [each for each in self.connections if isinstance(each, BoundedProtocol) and each.unsent]
        excess = sum(each.unsent for each in others) - self._limits.unsent
        for each in sorted(others, key=lambda other: other.writing_since):
            if excess <= 0:
                break
            excess -= each.unsent
            each.transport.abort()

    def _start_timer(self, name: str, seconds: float, *call: Any) -> None:
        self._stop_timer(name)
        self._timers[name] = self.loop.call_later(seconds, *call)

    def _stop_timer(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()
