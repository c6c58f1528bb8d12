"""Observes requests: their log lines, their metrics and their traces."""

import time
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from forkresize.gateway.access_log import log_refusal, log_request
from forkresize.gateway.derivatives.derivatives import Put
from forkresize.gateway.metrics import UNMATCHED, GatewayMetrics
from forkresize.gateway.observation import RequestRecord, observe, with_stages
from forkresize.gateway.problem import Problem
from forkresize.outcome import Failed
from forkresize.telemetry.context import MAX_LENGTH
from forkresize.telemetry.pictures import trace_picture
from forkresize.telemetry.span import MAX_TEXT, Span, known
from forkresize.telemetry.tracer import Tracer

_SERVER_ERROR = 500


class RequestObserver:
    """Passes requests on, and notes how they are answered.

    Args:
        app: answers them.
        metrics: counts them.
        tracer: sends their spans.
    """

    def __init__(self, app: ASGIApp, metrics: GatewayMetrics, tracer: Tracer) -> None:
        self._app = app
        self._metrics = metrics
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        record = RequestRecord(scope["method"], _traceparent(scope), self._tracer.sampling)
        answer = _Answer(send, has_body=scope["method"] != "HEAD")
        started = time.monotonic()
        self._metrics.in_progress.inc()
        try:
            with observe(record):
                await self._app(scope, receive, answer)
        except BaseException:
            answer.status = answer.status or _SERVER_ERROR
            raise
        finally:
            self._metrics.in_progress.dec()
            self._conclude(record, record.route or UNMATCHED, answer, time.monotonic() - started)

    def _conclude(self, record: RequestRecord, route: str, answer: "_Answer", seconds: float) -> None:
        if answer.status == HTTPStatus.NOT_MODIFIED and record.source:
            record.cache = "not_modified"
        self._metrics.add(record, route, answer.status, answer.sent, seconds)
        log_request(record, route, answer.status, answer.sent, seconds)
        if self._tracer.is_on:
            self._tracer.send(make_spans(record, route, answer.status, answer.sent, seconds))


def observe_refusal(metrics: GatewayMetrics, problem: Problem) -> None:
    """Count and log what the server has refused before the application."""
    metrics.add_refusal(problem.status)
    log_refusal(problem.status, problem.detail)


class _Answer:
    """Passes a response on, and notes its status and its size.

    Args:
        send: sends it.
        has_body: whether the server sends its body; not for HEAD.
    """

    def __init__(self, send: Send, *, has_body: bool) -> None:
        self._send = send
        self._has_body = has_body
        self.status = 0
        self.sent = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message["type"] == "http.response.body" and self._has_body:
            self.sent += len(message.get("body", b""))
        await self._send(message)


def make_spans(record: RequestRecord, route: str, status: int, sent: int, seconds: float) -> list[Span]:
    """Return the spans of a request, unless it is neither sampled nor a failure of the gateway or of a picture."""
    failed = any(isinstance(each.detail, Failed) for outcomes in record.outcomes for each in outcomes)
    is_error = status >= _SERVER_ERROR
    if not (record.context.is_sampled or failed or is_error):
        return []
    own = {f"forkresize.{name}": text for name, text in record.fields().items()}
    spans = [
        Span(
            name=f"{record.method} {route}",
            context=record.context,
            parent="" if record.parent is None else record.parent.span_id,
            started=record.started,
            ended=record.started + seconds,
            kind="server",
            attributes={
                "http.request.method": record.method,
                "http.route": route,
                "http.response.status_code": status,
                "http.response.body.size": sent,
                **own,
            },
            error=record.problem or f"status {status}" if is_error else "",
        )
    ]
    if not record.outcomes:
        spans += [_stage_span(record, each.name, each.started, each.ended) for each in record.stages]
    for outcomes in with_stages(record):
        spans += trace_picture(outcomes, record.context.child(), record.context)
    return spans


def make_put_span(put: Put) -> list[Span]:
    """Return the span of a picture that was put into the store after its request; none if that is not sampled."""
    if put.context is None or not (put.context.is_sampled or put.error):
        return []
    return [
        Span(
            name="put",
            context=put.context.child(),
            parent=put.context.span_id,
            started=put.started,
            ended=put.ended,
            attributes=known(bytes=put.size),
            error=put.error[:MAX_TEXT],
        )
    ]


def _stage_span(record: RequestRecord, name: str, started: float, ended: float) -> Span:
    return Span(name=name, context=record.context.child(), parent=record.context.span_id, started=started, ended=ended)


def _traceparent(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"traceparent":
            return str(value[:MAX_LENGTH], "latin-1")
    return None
