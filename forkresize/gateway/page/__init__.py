"""Pages for people: ``/``, ``/docs``, and the document ``/openapi.json``. They load nothing from other hosts."""

from collections.abc import Sequence
from functools import cached_property

from msgspec import json
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from forkresize.gateway.describe import Answer, describe
from forkresize.gateway.openapi import Json, RoleOf, make_document
from forkresize.gateway.page.assets import MEDIA_TYPES, Assets
from forkresize.gateway.page.docs import render_docs
from forkresize.gateway.page.home import render_home
from forkresize.gateway.problem import ProblemDocument
from forkresize.gateway.services import Services
from forkresize.gateway.static import Content, respond

_PAGE = {"text/html": str}

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""The content security policy of the pages: no inline styles and scripts, nothing from other hosts."""


class PageApi:
    """The endpoints.

    Args:
        services: of the gateway.
        others: all other routes.
        role_of: the roles table.
    """

    def __init__(self, services: Services, others: Sequence[BaseRoute], role_of: RoleOf) -> None:
        self._services = services
        self._others = others
        self._role_of = role_of
        self._assets = Assets()

    def routes(self) -> list[BaseRoute]:
        """Return the routes."""
        return [
            Route("/", self.home),
            Route("/docs", self.docs),
            Route("/openapi.json", self.openapi),
            Route("/assets/{version}/{name}", self.asset),
        ]

    @cached_property
    def document(self) -> Json:
        """The OpenAPI document of all routes."""
        return make_document([*self._others, *self.routes()], ProblemDocument, self._role_of)

    @cached_property
    def _pages(self) -> dict[str, Content]:
        policy = {"content-security-policy": POLICY}
        home = render_home(self._services, self.document, self._assets.location)
        docs = render_docs(self.document, self._assets.location)
        return {
            "/": Content(home.encode(), "text/html", policy),
            "/docs": Content(docs.encode(), "text/html", policy),
            "/openapi.json": Content(json.encode(self.document), "application/json"),
        }

    @describe(
        "Show the page", tag="service", answers={200: Answer("What is served.", _PAGE), 304: Answer("As cached.")}
    )
    async def home(self, request: Request) -> Response:
        """Return a page that shows what is served, tries recipes and follows runs."""
        return respond(request, self._pages["/"])

    @describe("Explain the API", tag="service", answers={200: Answer("A page.", _PAGE), 304: Answer("As cached.")})
    async def docs(self, request: Request) -> Response:
        """Return this description of all endpoints, for people."""
        return respond(request, self._pages["/docs"])

    @describe(
        "Describe the API",
        tag="service",
        answers={200: Answer("An OpenAPI 3.1 document.", {"application/json": dict}), 304: Answer("As cached.")},
    )
    async def openapi(self, request: Request) -> Response:
        """Return a description of all endpoints, for programs."""
        return respond(request, self._pages["/openapi.json"])

    @describe(
        "Get a file of the pages",
        tag="service",
        answers={
            200: Answer("A style sheet, a script or an icon.", dict.fromkeys(MEDIA_TYPES.values(), str)),
            304: Answer("As cached."),
        },
        problems=(404,),
    )
    async def asset(self, request: Request) -> Response:
        """Return a style sheet or a script. Another ``version`` than that of the pages does not exist."""
        return respond(request, self._assets.find(request.path_params["version"], request.path_params["name"]))


def routes(services: Services, others: Sequence[BaseRoute], role_of: RoleOf) -> list[BaseRoute]:
    """Return the routes.

    Args:
        services: of the gateway.
        others: all other routes, which the pages describe.
        role_of: the roles table.
    """
    return PageApi(services, others, role_of).routes()
