"""Whether the gateway lives and is ready: ``/livez``."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from forkresize.gateway.describe import Answer, describe
from forkresize.gateway.services import Services


def routes(_: Services) -> list[BaseRoute]:
    """Return the routes."""
    return [Route("/livez", _livez)]


@describe("Say that the gateway lives", tag="service", answers={200: Answer("It does.", {"application/json": dict})})
async def _livez(_: Request) -> Response:
    """Answer as long as the process runs."""
    return JSONResponse({"status": "ok"}, headers={"cache-control": "no-store"})
