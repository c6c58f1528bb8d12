"""Signs URLs for programs that have a key of the gateway, but not its secrets: ``/v1/sign``."""

import time
from typing import Annotated

from msgspec import Meta, Struct, json
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from forkresize.gateway.describe import Answer, describe
from forkresize.gateway.queries import read_json
from forkresize.gateway.services import Services

_MAX_PATHS = 100

_YEARS = 10 * 365 * 24 * 3600

_Path = Annotated[
    str, Meta(max_length=8192, pattern="^/[!-~]+$", examples=["/rs:fit:80:0/f:webp/plain/photos/sea.jpg"])
]


class SignRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """URLs to sign."""

    paths: Annotated[
        list[_Path],
        Meta(
            min_length=1,
            max_length=_MAX_PATHS,
            description="What follows the signature in each URL, escaped, such as "
            "`/rs:fit:800:0/plain/photos/sea.jpg@webp`.",
        ),
    ]
    expires_in: Annotated[
        Annotated[int, Meta(ge=1, le=_YEARS)] | None,
        Meta(description="Seconds until the URLs are not valid anymore; null for never."),
    ] = None


class SignedUrls(Struct, frozen=True):
    """Signed URLs, in the order of the paths, relative to the gateway."""

    urls: list[str]


class SignApi:
    """The endpoint.

    Args:
        services: of the gateway.
    """

    def __init__(self, services: Services) -> None:
        self._urls = services.picture_urls

    def routes(self) -> list[BaseRoute]:
        """Return the routes."""
        return [Route("/v1/sign", self.sign, methods=["POST"])]

    @describe(
        "Sign URLs of pictures",
        tag="pictures",
        body={"application/json": SignRequest},
        answers={200: Answer("The URLs.", {"application/json": SignedUrls})},
        problems=(413, 415),
    )
    async def sign(self, request: Request) -> Response:
        """Return URLs that anyone may use. They stay valid when the caller's key is revoked, until they expire.

        Whether there are such pictures is not looked up. A gateway with unsigned URLs returns those.
        """
        asked = await read_json(request, SignRequest)
        expiry = f"/exp:{int(time.time()) + asked.expires_in}" if asked.expires_in else ""
        found = SignedUrls([self._urls.url(f"{expiry}{path}") for path in asked.paths])
        return Response(json.encode(found), 200, {"cache-control": "no-store"}, "application/json")


def routes(services: Services) -> list[BaseRoute]:
    """Return the routes."""
    return SignApi(services).routes()
