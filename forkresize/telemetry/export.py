"""Sends spans by OTLP over HTTP; the only module that imports opentelemetry.

The SDK's own tracer is not used: spans are made when their outcomes are there, with the times that these have.
"""

import threading
from collections.abc import Iterable
from typing import Self

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from forkresize._version import __version__
from forkresize.telemetry.context import TraceContext, parse_traceparent
from forkresize.telemetry.span import Span

_SCOPE = InstrumentationScope("forkresize", __version__)
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_NANOSECONDS = 1_000_000_000

CLOSE_SECONDS = 5.0
"""How long the last spans may take to be sent."""


class SpanSender:
    """Sends spans from a thread of its own, in batches. A context manager, for processes that never fork.

    Spans are dropped while more than ``OTEL_BSP_MAX_QUEUE_SIZE`` wait. A collector that cannot be reached is logged.

    Args:
        service: name of the program; ``OTEL_SERVICE_NAME`` overrides it.
        max_queue: how many spans may wait; None for the variable's value.
    """

    def __init__(self, service: str, max_queue: int | None = None) -> None:
        self._resource = _create_resource(service)
        self._processor = BatchSpanProcessor(OTLPSpanExporter(), max_queue_size=max_queue)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, spans: Iterable[Span]) -> None:
        """Add spans to the queue."""
        for span in spans:
            self._processor.on_end(to_readable(span, self._resource))

    def close(self, timeout: float = CLOSE_SECONDS) -> bool:
        """Send what waits; return whether that was done in time.

        Args:
            timeout: seconds after which the rest is dropped.
        """
        # The processor waits for half a minute.
        closing = threading.Thread(target=self._processor.shutdown, name="close-traces", daemon=True)
        closing.start()
        closing.join(timeout)
        return not closing.is_alive()


def _create_resource(service: str) -> Resource:
    # What the environment sets has precedence.
    own = Resource({"service.name": service, "service.version": __version__})
    found = Resource.create()
    unnamed = {"service.name"} if str(found.attributes["service.name"]).startswith("unknown_service") else set()
    return own.merge(Resource({name: value for name, value in found.attributes.items() if name not in unnamed}))


def to_readable(span: Span, resource: Resource) -> ReadableSpan:
    """Return a span as the SDK exports it.

    Args:
        span: the span.
        resource: the program that made it.
    """
    context = _to_context(span.context)
    parent = _to_context(TraceContext(span.context.trace_id, span.parent)) if span.parent else None
    linked = [parse_traceparent(link) for link in span.links]
    return ReadableSpan(
        name=span.name,
        context=context,
        parent=parent,
        resource=resource,
        attributes=span.attributes,
        links=[Link(_to_context(each, is_remote=True)) for each in linked if each],
        kind=SpanKind[span.kind.upper()],
        status=Status(StatusCode.ERROR, span.error) if span.error else Status(),
        start_time=round(span.started * _NANOSECONDS),
        end_time=round(span.ended * _NANOSECONDS),
        instrumentation_scope=_SCOPE,
    )


def _to_context(context: TraceContext, *, is_remote: bool = False) -> SpanContext:
    # What gets here is to be sent, so it is sampled.
    return SpanContext(int(context.trace_id, 16), int(context.span_id, 16), is_remote, _SAMPLED)
