"""Whether the gateway lives and is ready: ``/livez`` and ``/readyz``."""

from functools import partial
from http import HTTPStatus

from msgspec import json
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from forkresize.gateway.describe import Answer, describe
from forkresize.gateway.readiness import Readiness, Report
from forkresize.gateway.services import Services

_HEADERS = {"cache-control": "no-store"}


def routes(services: Services) -> list[BaseRoute]:
    """Return the routes."""
    return [Route("/livez", _livez), Route("/readyz", partial(_readyz, services.readiness))]


@describe("Say that the gateway lives", tag="service", answers={200: Answer("It does.", {"application/json": dict})})
async def _livez(_: Request) -> Response:
    """Answer as long as the process runs."""
    return JSONResponse({"status": "ok"}, headers=_HEADERS)


@describe(
    "Say whether the gateway is ready",
    tag="service",
    answers={
        200: Answer("It can answer requests.", {"application/json": Report}),
        503: Answer("Something that it needs is missing.", {"application/json": Report}),
    },
)
async def _readyz(readiness: Readiness, _: Request) -> Response:
    """Check the workers, the stores and, if they are used, the broker and the database; at most once per second."""
    report = await readiness.report()
    status = HTTPStatus.OK if report.is_ready else HTTPStatus.SERVICE_UNAVAILABLE
    return Response(json.encode(report), status, _HEADERS, "application/json")
