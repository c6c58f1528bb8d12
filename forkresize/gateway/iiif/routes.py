"""The routes of the Image API: images, image information, and the redirect from base URIs."""

from http import HTTPStatus
from typing import Annotated

from msgspec import Meta, json
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from forkresize._version import __version__
from forkresize.batch.fingerprint import fingerprint_recipe
from forkresize.formats import OUTPUT_FORMATS, media_type
from forkresize.gateway.caching import Validators, cache_control
from forkresize.gateway.derivatives.memory import Derivative
from forkresize.gateway.derivatives.places import Target
from forkresize.gateway.describe import Answer, describe
from forkresize.gateway.iiif.identifier import Identifier, parse_identifier, unquote_part
from forkresize.gateway.iiif.information import (
    CONTEXT,
    PROFILE,
    Information,
    accepts_linked_data,
    describe_picture,
    proposed_sizes,
)
from forkresize.gateway.iiif.request import FORMATS, ImageRequest, parse_request
from forkresize.gateway.iiif.size import SizeLimits
from forkresize.gateway.problem import Problem
from forkresize.gateway.public_url import public_url_of
from forkresize.gateway.roots import Located
from forkresize.gateway.services import Services
from forkresize.gateway.settings import Limits
from forkresize.recipe import Recipe
from forkresize.recipe.size import MAX_SIDE

PREFIX = "/iiif/3/"

_LONGEST = min(MAX_SIDE, *(OUTPUT_FORMATS[each].max_side for each in FORMATS.values()))
"""Pixels of a side that all formats can hold."""

_LINKED_DATA = f'application/ld+json;profile="{CONTEXT}"'
_PROFILE_LINK = f'<{PROFILE}>;rel="profile"'

_IDENTIFIER = Annotated[str, Meta(description="The root, a slash, and the key, with each slash as %2F.")]


class ImageApi:
    """The endpoints.

    Args:
        services: of the gateway.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        settings = services.settings
        self._public_url = settings.public_url
        self._cache_control = cache_control(settings.picture_urls.max_age, is_versioned=False)
        self._vary: tuple[str, ...] = ()
        if not settings.unsigned:
            # What needs credentials belongs into the cache of the client alone, and to these credentials.
            self._cache_control = self._cache_control.replace("public", "private")
            self._vary = ("authorization",)
        self._limits = size_limits(settings.limits)
        # Answers change with the codecs, too.
        self._version = repr((__version__, fingerprint_recipe(Recipe(), None).combined, self._limits))

    def routes(self) -> list[BaseRoute]:
        """Return the routes."""
        image = PREFIX + "{identifier}/{region}/{size}/{rotation}/{quality}.{format}"
        return [
            _RawRoute(PREFIX + "{identifier}", self.redirect),
            _RawRoute(PREFIX + "{identifier}/info.json", self.information),
            _RawRoute(image, self.image),
            _RawRoute(PREFIX + "{path:path}", self.refuse, include_in_schema=False),
        ]

    @describe(
        "Go to the information of a picture",
        tag="iiif",
        paths={"identifier": _IDENTIFIER},
        answers={303: Answer("The document is elsewhere.", headers={"Location": "its URI"})},
        problems=(404,),
    )
    async def redirect(self, request: Request) -> Response:
        """Redirect from the base URI of a picture to its information."""
        location = f"{self._base_uri(request, _identifier(request))}/info.json"
        return Response(status_code=HTTPStatus.SEE_OTHER, headers={"location": location})

    @describe(
        "Describe a picture",
        tag="iiif",
        paths={"identifier": _IDENTIFIER},
        answers={
            200: Answer(
                "What the picture is, and what can be asked for.",
                {"application/ld+json": Information, "application/json": Information},
            ),
            304: Answer("The copy of the client is up to date."),
        },
        problems=(404, 413, 415, 422, 502),
    )
    async def information(self, request: Request) -> Response:
        """Return the image information document of a picture (IIIF Image API 3.0)."""
        identifier = _identifier(request)
        base_uri = self._base_uri(request, identifier)
        is_linked = accepts_linked_data(request.headers.get("accept"))
        media_type = _LINKED_DATA if is_linked else "application/json"
        located = await self._services.roots.find(identifier.root, identifier.key)
        headers, is_current = self._validate(request, located, base_uri, media_type)
        headers |= {"link": _PROFILE_LINK, "vary": ", ".join(("accept", *self._vary))}
        if is_current:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        found = await self._services.pictures.inspect(located)
        document = describe_picture(base_uri, (found.width, found.height), self._limits)
        return Response(json.encode(document), 200, headers, media_type)

    @describe(
        "Get a picture, or a part of it",
        tag="iiif",
        paths={"identifier": _IDENTIFIER, "region": str, "size": str, "rotation": str, "quality": str, "format": str},
        answers={
            200: Answer(
                "The picture.",
                {media_type(FORMATS[name]): bytes for name in FORMATS},
                headers={"Link": "its canonical URI and the profile", "ETag": "changes with the source and the codecs"},
            ),
            304: Answer("The copy of the client is up to date."),
        },
        problems=(404, 413, 415, 422, 502),
    )
    async def image(self, request: Request) -> Response:
        """Return a region of a picture in a size, rotation, quality and format (IIIF Image API 3.0)."""
        identifier = _identifier(request)
        base_uri = self._base_uri(request, identifier)
        region, size, rotation, quality, suffix = (
            unquote_part(request.path_params[name]) for name in ("region", "size", "rotation", "quality", "format")
        )
        parts = region, size, rotation, f"{quality}.{suffix}"
        located = await self._services.roots.find(identifier.root, identifier.key)
        headers, is_current = self._validate(request, located, base_uri, *parts)
        if is_current:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        found = await self._services.pictures.inspect(located)
        asked = parse_request(parts, (found.width, found.height), self._limits)
        picture = await self._get(located, asked)
        headers["link"] = f'<{base_uri}/{asked.canonical}>;rel="canonical", {_PROFILE_LINK}'
        return Response(picture.data, 200, headers, picture.media_type)

    async def refuse(self, request: Request) -> Response:
        """Say what URIs look like.

        Raises:
            Problem: 404, always.
        """
        detail = (
            "use ROOT%2FKEY/info.json or ROOT%2FKEY/REGION/SIZE/ROTATION/QUALITY.FORMAT, with each slash of the key as "
            "%2F"
        )
        raise Problem(HTTPStatus.NOT_FOUND, f"there is no {request.url.path!r}: {detail}")

    def _base_uri(self, request: Request, identifier: Identifier) -> str:
        return f"{public_url_of(request, self._public_url)}{PREFIX}{identifier.quote()}"

    def _validate(self, request: Request, located: Located, *variant: str) -> tuple[dict[str, str], bool]:
        """Return the headers for caches, and whether the copy of the client is up to date.

        Args:
            request: has the validators of the copy.
            located: the source.
            variant: what the answer depends on, besides the source and the gateway.
        """
        found = Validators.of(located.info, repr((self._version, variant)).encode())
        headers = {"etag": found.etag, "last-modified": found.last_modified, "cache-control": self._cache_control}
        if self._vary:
            headers["vary"] = ", ".join(self._vary)
        return headers, found.match(request.headers.get("if-none-match"), request.headers.get("if-modified-since"))

    async def _get(self, located: Located, asked: ImageRequest) -> Derivative:
        """Return a picture. Only whole ones are in the store: there is no end of parts, and viewers ask for many."""
        on_demand = self._services.on_demand
        if not asked.is_plain:
            return await on_demand.make(located, asked.recipe, asked.canonical)
        # Readers could fill the store with other sizes.
        keep = asked.size in proposed_sizes(asked.source, self._limits)
        return await on_demand.get(located, Target.of(asked.recipe), keep=keep)


class _RawRoute(Route):
    """A route whose parameters keep their escapes: identifiers contain slashes."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return whether the path matches, and its parameters."""
        return super().matches({**scope, "path": scope["raw_path"].decode("ascii", "replace")})


def _identifier(request: Request) -> Identifier:
    return parse_identifier(request.path_params["identifier"])


def size_limits(limits: Limits) -> SizeLimits:
    """Return the limits of the size of an answer."""
    return SizeLimits(_LONGEST, _LONGEST, min(limits.max_output_pixels, limits.max_pixels))


def routes(services: Services) -> list[BaseRoute]:
    """Return the routes."""
    return ImageApi(services).routes()
