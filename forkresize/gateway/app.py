"""The ASGI application: routes, and what every request passes on its way to them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp

from forkresize.gateway import health, listing, page, sign
from forkresize.gateway.access.guard import guard_routes
from forkresize.gateway.access.proxies import trust_proxies
from forkresize.gateway.bounds import RequestBounds
from forkresize.gateway.early_refusal import EarlyRefusal
from forkresize.gateway.headers import SecurityHeaders
from forkresize.gateway.iiif import routes as iiif
from forkresize.gateway.iiif.cross_origin import CrossOrigin
from forkresize.gateway.imgproxy import routes as pictures_on_demand
from forkresize.gateway.imgproxy.signature import PREFIX
from forkresize.gateway.observer import RequestObserver
from forkresize.gateway.problem import Problem, respond_to_problem
from forkresize.gateway.runs import routes as runs
from forkresize.gateway.services import Services
from forkresize.gateway.time_limit import CLIENT_CLOSED_REQUEST, TimeLimit
from forkresize.gateway.transform import routes as transform

__all__ = ["collect_routes", "create_app"]

_FORM_BYTES = 1 << 20
"""What a body may have besides a picture: a recipe, and the parts of a form."""


def create_app(services: Services) -> ASGIApp:
    """Return the application; its lifespan opens and closes the services.

    A request passes the observer, the trusted proxies, the bounds, the time limit, and the guard of its route.
    """
    settings = services.settings
    bounded = RequestBounds(_create_router(services), settings.wire, settings.limits.max_file_size + _FORM_BYTES)
    passing: ASGIApp = bounded
    if services.derivatives is None:
        # Otherwise, the store may have what is asked for.
        passing = EarlyRefusal(bounded, services.pictures.admission, PREFIX.encode(), pictures_on_demand.PATH)
    trusting = trust_proxies(passing, settings.access.trusted_proxies)
    return SecurityHeaders(RequestObserver(trusting, services.metrics, services.tracer))


def _create_router(services: Services) -> Starlette:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await services.open()
        try:
            yield
        finally:
            await services.close()

    app = Starlette(
        routes=guard_routes(collect_routes(services), services.access),
        lifespan=lifespan,
        middleware=[
            Middleware(CrossOrigin, prefix=iiif.PREFIX),
            Middleware(TimeLimit, seconds=services.settings.limits.timeout),
        ],
        exception_handlers={
            Problem: respond_to_problem,
            HTTPException: _respond_to_http_error,
            ClientDisconnect: _note_disconnect,
            Exception: _respond_to_bug,
        },
    )
    # A redirect to the same path with or without a slash would name the host that the client has sent.
    app.router.redirect_slashes = False
    app.state.services = services
    return app


def collect_routes(services: Services) -> list[BaseRoute]:
    """Return all routes, without their guards."""
    on_demand = [*pictures_on_demand.routes(services), *sign.routes(services)]
    if not services.settings.picture_urls.presets_only:
        # Its URLs name sizes, and no preset.
        on_demand += iiif.routes(services)
    pictures = [*on_demand, *transform.routes(services)]
    # Pictures come first, as most requests are for them.
    apis = [*pictures, *health.routes(services), *listing.routes(services), *runs.routes(services.runs)]
    return [*apis, *page.routes(services, apis, services.access.role_of)]


async def _respond_to_http_error(request: Request, error: Exception) -> Response:
    """Answer what Starlette refuses by itself: paths and methods that there are not."""
    assert isinstance(error, HTTPException)  # noqa: S101  It is registered for these.
    headers, detail = dict(error.headers or {}), error.detail
    if error.status_code == HTTPStatus.NOT_FOUND:
        detail = "there is nothing at this path; /docs lists the endpoints"
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_methods(request))
        detail = f"use {headers['Allow']} for this path"
    return Problem(error.status_code, detail, headers=headers).response()


def _methods(request: Request) -> list[str]:
    """Return the methods of a path: of all of its routes, where Starlette names those of the first one."""
    routes = (route for route in request.app.routes if isinstance(route, Route))
    fitting = (route for route in routes if route.matches(request.scope)[0] is not Match.NONE)
    return sorted({method for route in fitting for method in route.methods or ()})


async def _respond_to_bug(_: Request, __: Exception) -> Response:
    """Answer a bug; the server logs it."""
    return Problem(500, "the gateway failed; its log has the reason").response()


async def _note_disconnect(_: Request, __: Exception) -> Response:
    """Give logs and metrics a status; no client reads the response."""
    return Response(status_code=CLIENT_CLOSED_REQUEST)
