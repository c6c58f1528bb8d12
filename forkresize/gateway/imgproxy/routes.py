"""``/i/…``: pictures on demand."""

import os
import time
from typing import Annotated

from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from forkresize.formats import Format
from forkresize.gateway.caching import Validators, cache_control
from forkresize.gateway.describe import Answer, describe
from forkresize.gateway.headers import format_disposition
from forkresize.gateway.imgproxy.negotiation import negotiate
from forkresize.gateway.imgproxy.options import AUTO, Options
from forkresize.gateway.imgproxy.path import PictureRequest
from forkresize.gateway.services import Services

PATH = "/i/{signature}/{path:path}"
"""The template of the route."""

_PICTURE = Answer(
    "The picture.",
    {f"image/{each}": bytes for each in Format},
    headers={
        "ETag": "Changes with the source, the recipe and the codecs.",
        "Cache-Control": "A year for signed URLs with a cachebuster.",
        "Vary": "Accept, if the format is auto.",
    },
)


class PictureApi:
    """The endpoint.

    Args:
        services: of the gateway.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._urls = services.picture_urls
        self._max_age = services.settings.picture_urls.max_age

    def routes(self) -> list[BaseRoute]:
        """Return the routes."""
        return [Route(PATH, self.show)]

    @describe(
        "Make a picture",
        tag="pictures",
        paths={
            "signature": Annotated[
                str,
                Meta(description="HMAC-SHA256 of the path in URL-safe Base64, as of imgproxy.", examples=["unsafe"]),
            ],
            "path": Annotated[
                str,
                Meta(
                    description="Options, then /plain/ROOT/KEY@FORMAT, as of imgproxy.",
                    examples=["rs:fit:80:0/plain/photos/sea.jpg@webp"],
                ),
            ],
        },
        answers={200: _PICTURE, 304: Answer("The copy of the client is up to date.")},
        problems=(403, 404, 413, 415, 422, 502),
    )
    async def show(self, request: Request) -> Response:
        """Return a picture, made from one of a root by the options in the path."""
        raw_path: bytes = request.scope["raw_path"]
        found = self._urls.check(raw_path)
        output = None
        headers = {"cache-control": self._cache_control(found.options)}
        if found.options.format == AUTO:
            output = negotiate(request.headers.get("accept", ""), found.key)
            headers["vary"] = "Accept"
        variant = self._urls.variant(raw_path, output)
        located = await self._services.roots.find(found.root, found.key)
        validators = Validators.of(located.info, variant.identity, self._urls.changed)
        headers["etag"], headers["last-modified"] = validators.etag, validators.last_modified
        if validators.match(request.headers.get("if-none-match"), request.headers.get("if-modified-since")):
            return Response(status_code=304, headers=headers)
        target = variant.target
        if target is None:
            source = await self._services.pictures.inspect(located)
            target = self._urls.target(found.options, output, (source.width, source.height))
        picture = await self._services.on_demand.get(located, target)
        headers["content-disposition"] = _disposition(found, picture.media_type)
        return Response(picture.data, 200, headers, picture.media_type)

    def _cache_control(self, options: Options) -> str:
        is_versioned = bool(options.cachebuster) and not self._urls.signer.is_unsigned
        expires_in = options.expires - time.time() if options.expires else None
        return cache_control(self._max_age, is_versioned=is_versioned, expires_in=expires_in)


def routes(services: Services) -> list[BaseRoute]:
    """Return the routes."""
    return PictureApi(services).routes()


def _disposition(found: PictureRequest, media_type: str) -> str:
    name = found.options.filename
    if not name:
        suffix = Format(media_type.removeprefix("image/")).suffix
        name = os.path.splitext(os.path.basename(found.key))[0] + suffix
    return format_disposition(name, "attachment" if found.options.attachment else "inline")
