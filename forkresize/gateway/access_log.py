"""The log of a gateway: a line for each request, for each picture that failed, and for each run.

No line has a path, a query, a header or an address of a client: they may hold signatures and keys. A refused request is
logged with its route, its status and the name of the field that is wrong, never with a value that the client has sent;
see ``Problem.response``. The key of a source is logged only if there is such a source, or its store failed.
"""

import logging
from collections.abc import Mapping, Sequence

from forkresize.gateway.observation import RequestRecord
from forkresize.outcome import Failed, Outcome
from forkresize.telemetry.span import MAX_TEXT
from forkresize.urls import redact

_LOG = logging.getLogger("forkresize.gateway")

_SERVER_ERROR = 500


def log_request(record: RequestRecord, route: str, status: int, sent: int, seconds: float) -> None:
    """Write the line of a request that was answered.

    Args:
        record: what is known about it.
        route: template of its route.
        status: of the response.
        sent: bytes of the response's body.
        seconds: how long it took.
    """
    level = logging.WARNING if status >= _SERVER_ERROR else logging.INFO
    fields = {
        "method": record.method,
        "route": route,
        "status": status,
        "seconds": round(seconds, 6),
        "bytes": sent,
        **record.fields(),
        **_identify(record),
    }
    _log(level, "request", fields)
    for outcomes in record.outcomes:
        _log_failures(outcomes, record)


def log_refusal(status: int, problem: str) -> None:
    """Write the line of what was refused before it was a request with a method and a route.

    Args:
        status: of the response.
        problem: why; nothing of what the client has sent.
    """
    _log(logging.INFO, "request refused", {"status": status, "problem": problem})


def log_run(event: str, run: str, fields: Mapping[str, object]) -> None:
    """Write the line of a run that began or ended.

    Args:
        event: ``run started`` or ``run ended``.
        run: its identifier.
        fields: more about it.
    """
    _log(
        logging.INFO, event, {"run": run, **{name: value for name, value in fields.items() if value not in {None, ""}}}
    )


def _log_failures(outcomes: Sequence[Outcome], record: RequestRecord) -> None:
    for outcome in outcomes:
        detail = outcome.detail
        if isinstance(detail, Failed):
            fields = {
                "source": record.source or redact(outcome.source.path),
                "reason": str(detail.reason),
                "error": redact(detail.error)[:MAX_TEXT],
                "attempts": outcome.execution.attempts,
                "worker": outcome.execution.worker,
                **({"signal": detail.signal} if detail.signal else {}),
                **_identify(record),
            }
            _log(logging.ERROR, "picture failed", fields)


def _identify(record: RequestRecord) -> dict[str, str]:
    return {"trace": record.context.trace_id, "span": record.context.span_id}


def _log(level: int, event: str, fields: Mapping[str, object]) -> None:
    _LOG.log(level, event, extra={"fields": fields})
