"""``/i/…``: pictures on demand."""

import os
import re
import time
from functools import partial
from typing import Annotated
from urllib.parse import quote

from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from forkresize.formats import Format
from forkresize.gateway.caching import Validators, cache_control
from forkresize.gateway.derivatives.memory import Derivative
from forkresize.gateway.derivatives.places import Target
from forkresize.gateway.describe import Answer, describe
from forkresize.gateway.imgproxy.negotiation import negotiate
from forkresize.gateway.imgproxy.options import AUTO, Options
from forkresize.gateway.imgproxy.path import PictureRequest
from forkresize.gateway.imgproxy.urls import Variant
from forkresize.gateway.observation import note_cache
from forkresize.gateway.roots import Located
from forkresize.gateway.services import Services
from forkresize.gateway.single_flight import SingleFlight

_NOT_PLAIN = re.compile(r"[^ !#-\[\]-~]")
"""Characters that a file name in quotes cannot have."""

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
        self._flights = SingleFlight[Derivative](partial(note_cache, "shared"))

    def routes(self) -> list[BaseRoute]:
        """Return the routes."""
        return [Route("/i/{signature}/{path:path}", self.show)]

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
        work = _Work(self._services, located, found.options, output, variant)
        picture = await work.find() if variant.target is not None else None
        if picture is None:
            key = located.root, located.key, validators.etag
            picture = await self._flights.run(key, work.make)
        headers["content-disposition"] = _disposition(found, picture.media_type)
        return Response(picture.data, 200, headers, picture.media_type)

    def _cache_control(self, options: Options) -> str:
        is_versioned = bool(options.cachebuster) and not self._urls.signer.is_unsigned
        expires_in = options.expires - time.time() if options.expires else None
        return cache_control(self._max_age, is_versioned=is_versioned, expires_in=expires_in)


class _Work:
    """What it takes to answer one request that no cache has answered.

    Args:
        services: of the gateway.
        located: the source.
        options: of the URL.
        output: the format that was negotiated.
        variant: what to make.
    """

    def __init__(
        self, services: Services, located: Located, options: Options, output: Format | None, variant: Variant
    ) -> None:
        self._services = services
        self._located = located
        self._options = options
        self._output = output
        self._target = variant.target

    async def find(self) -> Derivative | None:
        """Return the picture from the store; None if it is not there, or there is no store."""
        derivatives = self._services.derivatives
        if derivatives is None:
            return None
        found = await derivatives.find(self._located, await self._prepare())
        if found is not None:
            note_cache("stored")
        return found

    async def make(self) -> Derivative:
        """Return the picture, which is made and kept if it is not in the store.

        Raises:
            Problem: it cannot be made.
        """
        # Another request may have made it since this one has looked.
        found = await self.find()
        if found is not None:
            return found
        target = await self._prepare()
        (picture,) = await self._services.pictures.render(self._located, target.recipe)
        if self._services.derivatives is not None:
            self._services.derivatives.keep(self._located, target, picture)
        return Derivative(picture.data, picture.media_type)

    async def _prepare(self) -> Target:
        """Return what to make; the source is inspected if that depends on its size."""
        if self._target is None:
            source = await self._services.pictures.inspect(self._located)
            size = source.width, source.height
            self._target = self._services.picture_urls.target(self._options, self._output, size)
        return self._target


def routes(services: Services) -> list[BaseRoute]:
    """Return the routes."""
    return PictureApi(services).routes()


def _disposition(found: PictureRequest, media_type: str) -> str:
    """Return how browsers save a picture (RFC 6266)."""
    kind = "attachment" if found.options.attachment else "inline"
    name = found.options.filename
    if not name:
        suffix = Format(media_type.removeprefix("image/")).suffix
        name = os.path.splitext(os.path.basename(found.key))[0] + suffix
    plain = _NOT_PLAIN.sub("_", name)
    encoded = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}"
    return f'{kind}; filename="{plain}"{encoded}'
