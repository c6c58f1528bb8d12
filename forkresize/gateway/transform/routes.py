"""``POST /v1/transform``: a picture and a recipe in, a picture out."""

import json
import os
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from forkresize.formats import Format
from forkresize.gateway.describe import Answer, describe
from forkresize.gateway.headers import format_disposition
from forkresize.gateway.pictures import Picture
from forkresize.gateway.problem import Problem
from forkresize.gateway.services import Services
from forkresize.gateway.transform.client_recipe import TransformQuery, read_recipe
from forkresize.gateway.transform.form import FormReader
from forkresize.gateway.transform.uploads import Upload, UploadMemory
from forkresize.outcome import Reason
from forkresize.recipe import Recipe

_MAX_NAME = 200
_MAX_WARNINGS = 4000
"""Characters of the header with the warnings."""

_PICTURES = {f"image/{name}": bytes for name in ("avif", "gif", "jpeg", "png", "tiff", "webp")}

_HEADERS = {
    "Content-Disposition": "The name of the upload, with the suffix of the format.",
    "Picture-Size": "Width and height in pixels, such as 800x600.",
    "Picture-Warnings": "A JSON list of what was lost, if something was.",
}


class TransformApi:
    """The endpoint.

    Args:
        services: of the gateway.
        presets: its recipes, by name.
    """

    def __init__(self, services: Services, presets: Mapping[str, Recipe]) -> None:
        self._services = services
        self._presets = presets
        self._limit = services.settings.limits.max_file_size
        self._memory = UploadMemory(services.settings.limits.memory)

    def routes(self) -> list[BaseRoute]:
        """Return the routes."""
        return [Route("/v1/transform", self.transform, methods=["POST"])]

    @describe(
        "Transform a picture",
        tag="pictures",
        query=TransformQuery,
        body={"application/octet-stream": bytes, "multipart/form-data": bytes},
        answers={200: Answer("The picture.", _PICTURES, _HEADERS)},
        problems=(408, 413, 415, 422, 502),
    )
    async def transform(self, request: Request) -> Response:
        """Return the picture that a recipe makes of the one in the body.

        The body is the picture, or a form with the picture in the field `picture`. The recipe is in the query, or in
        the other fields of the form: `recipe` is a recipe file as JSON, `preset` the name of one, and the
        options of the command, such as `width`, `fit` or `format`, may be on top of either.
        """
        with self._memory.open(self._limit, _announced_size(request)) as upload:
            fields = await _read_body(request, upload)
            recipe = read_recipe(fields, self._presets)
            upload.complete()
            render = self._services.pictures.render_upload
            try:
                [picture] = await render(upload.file, upload.size, recipe, _suffix_hint(upload.name))
            except Problem as problem:
                if problem.reason == Reason.UNREADABLE:
                    # It is the caller's picture, not one of a store.
                    problem.status = HTTPStatus.UNPROCESSABLE_ENTITY
                raise
        return _respond(picture, upload.name)


def routes(services: Services) -> list[BaseRoute]:
    """Return the routes."""
    return TransformApi(services, services.picture_urls.recipes.presets).routes()


def _announced_size(request: Request) -> int:
    # The server has refused what is not a number, and the bounds what is too large.
    return int(request.headers.get("content-length", "0"))


async def _read_body(request: Request, upload: Upload) -> list[tuple[str, str]]:
    """Read the picture; return the fields of the query and of the form.

    Raises:
        Problem: the body is malformed, too large, or of a kind that is not accepted.
    """
    fields = list(request.query_params.multi_items())
    if request.headers.get("content-encoding", "identity") != "identity":
        text = "the body is compressed: send the picture as it is"
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, text, field="Content-Encoding")
    content_type = request.headers.get("content-type", "")
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return [*fields, *(await FormReader(content_type, upload).read(request)).items()]
    if kind.startswith(("multipart/", "application/json")):
        text = f"{kind} is not accepted: send the picture itself, or multipart/form-data"
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, text, field="Content-Type")
    async for part in request.stream():
        upload.write(part)
    return fields


def _suffix_hint(name: str) -> str:
    """Return a name with the suffix of an upload, for formats without a signature; the rest of it could be anything."""
    suffix = os.path.splitext(name)[1][1:]
    return f"upload.{suffix}" if suffix.isascii() and suffix.isalnum() else "upload"


def _respond(picture: Picture, name: str) -> Response:
    width, height = picture.detail.out_size
    headers = {
        "content-disposition": _disposition(name, Format(picture.detail.out_format).suffix),
        "picture-size": f"{width}x{height}",
        "cache-control": "no-store",
    }
    if warnings := _list_warnings(picture.warnings):
        headers["picture-warnings"] = warnings
    return Response(picture.data, HTTPStatus.OK, headers, picture.media_type)


def _list_warnings(warnings: Sequence[str]) -> str:
    """Return warnings as JSON, as many as may be in a header; empty if there are none."""
    while warnings:
        text = json.dumps(warnings)
        if len(text) <= _MAX_WARNINGS:
            return text
        warnings = warnings[:-1]
    return ""


def _disposition(name: str, suffix: str) -> str:
    stem = os.path.splitext(os.path.basename(name.replace("\\", "/")))[0][:_MAX_NAME] or "picture"
    return format_disposition(stem + suffix)
