"""A receiver of traces: OTLP over HTTP on the loopback interface, decoded as a collector does."""

import gzip
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from msgspec import Struct
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1 import trace_pb2

from tests.servers.program import HOST

_DEADLINE = 30.0


class ReceivedSpan(Struct):
    """A span as it arrived; identifiers are hexadecimal digits, times are in seconds since the epoch."""

    name: str
    service: str
    kind: str
    trace: str
    span: str
    parent: str
    started: float
    ended: float
    attributes: dict[str, object]
    links: list[tuple[str, str]]
    error: str | None
    resource: dict[str, object]


class TraceReceiver:
    """Collects the spans that are sent to it."""

    def __init__(self) -> None:
        self.spans: list[ReceivedSpan] = []
        self.headers: list[dict[str, str]] = []
        self.status = 200
        self._changed = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                data = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.receive(self.path, {name.lower(): value for name, value in self.headers.items()}, data)
                body = ExportTraceServiceResponse().SerializeToString()
                self.send_response(receiver.status)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- its name in the base class.
                """Print nothing."""

        self.server = ThreadingHTTPServer((HOST, 0), Handler)
        self.endpoint = f"http://{HOST}:{self.server.server_address[1]}"

    def receive(self, path: str, headers: dict[str, str], data: bytes) -> None:
        """Decode a request."""
        assert (path, headers["content-type"]) == ("/v1/traces", "application/x-protobuf")
        request = ExportTraceServiceRequest()
        request.ParseFromString(gzip.decompress(data) if headers.get("content-encoding") == "gzip" else data)
        found = [
            _describe(span, _values(group.resource.attributes))
            for group in request.resource_spans
            for scope in group.scope_spans
            for span in scope.spans
        ]
        with self._changed:
            self.headers.append(headers)
            self.spans += found
            self._changed.notify_all()

    def named(self, name: str) -> list[ReceivedSpan]:
        """Return the spans of a name."""
        with self._changed:
            return [span for span in self.spans if span.name == name]

    def wait_for(self, name: str, count: int = 1) -> list[ReceivedSpan]:
        """Wait until there are so many spans of a name; return them."""
        deadline = time.monotonic() + _DEADLINE
        with self._changed:
            while len(found := [span for span in self.spans if span.name == name]) < count:
                left = deadline - time.monotonic()
                assert left > 0, f"{len(found)} spans {name!r} of {count}: {[span.name for span in self.spans]}"
                self._changed.wait(left)
            return found

    def below(self, parent: ReceivedSpan) -> list[ReceivedSpan]:
        """Return the children of a span, in the order of their starts."""
        found = [each for each in self.spans if (each.trace, each.parent) == (parent.trace, parent.span)]
        return sorted(found, key=lambda each: each.started)


def _describe(span: trace_pb2.Span, resource: dict[str, object]) -> ReceivedSpan:
    return ReceivedSpan(
        name=span.name,
        service=str(resource["service.name"]),
        kind=trace_pb2.Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
        trace=span.trace_id.hex(),
        span=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        started=span.start_time_unix_nano / 1e9,
        ended=span.end_time_unix_nano / 1e9,
        attributes=_values(span.attributes),
        links=[(link.trace_id.hex(), link.span_id.hex()) for link in span.links],
        error=span.status.message if span.status.code == trace_pb2.Status.STATUS_CODE_ERROR else None,
        resource=resource,
    )


def _values(pairs: object) -> dict[str, object]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}  # type: ignore[attr-defined]


@pytest.fixture
def traces() -> Iterator[TraceReceiver]:
    """A receiver that listens."""
    receiver = TraceReceiver()
    thread = threading.Thread(target=receiver.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()
    thread.join()
