"""Whether the gateway lives and is ready: ``/livez``."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from forkresize.gateway.services import Services


def routes(_: Services) -> list[BaseRoute]:
    """Return the routes."""
    return [Route("/livez", _livez)]


async def _livez(_: Request) -> Response:
    return JSONResponse({"status": "ok"}, headers={"cache-control": "no-store"})
