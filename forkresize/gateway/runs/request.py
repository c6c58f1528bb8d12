"""What a caller asks for: the body of ``POST /v1/runs``."""

import hashlib
import re
from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import DecodeError, Meta, Struct, ValidationError
from msgspec.json import Decoder, Encoder
from msgspec.structs import replace

from forkresize.errors import FieldError
from forkresize.gateway.recipes import decode_client_recipe, find_preset
from forkresize.gateway.runs.errors import InvalidRequestError
from forkresize.gateway.runs.patterns import select_rules
from forkresize.plan import IfExists, OnCollision
from forkresize.recipe import Recipe

MAX_BYTES = 1 << 18
"""Bytes of a body."""

_MAX_ITEMS = 100
"""Sources, and patterns, of a request."""

_MAX_RENDITIONS = 32

_PLACE = re.compile(r"(?P<message>.*?)(?: - at `\$(?P<path>[^`]*)`)?", re.DOTALL)

Place = Annotated[
    str, Meta(min_length=1, max_length=2048, description="A root's name, alone or with a slash and a key")
]
Pattern = Annotated[str, Meta(min_length=1, max_length=1024)]


class RunSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How a run is done; see the options of the command with these names.

    Attributes:
        include: globs of pictures and directories that are processed; none stands for all.
        exclude: globs of those that are not.
        on_collision: what to do if two sources have the same output.
        if_exists: what to do if an output exists.
        retry_failed: try failed sources again, even if nothing about them changed.
        prune: remove the outputs of earlier runs whose source is gone.
        timeout: seconds that a picture may take.
        retries: how often a picture is tried again whose worker died.
    """

    include: Annotated[list[Pattern], Meta(max_length=_MAX_ITEMS)] = []
    exclude: Annotated[list[Pattern], Meta(max_length=_MAX_ITEMS)] = []
    on_collision: OnCollision = OnCollision.ERROR
    if_exists: IfExists = IfExists.UPDATE
    retry_failed: bool = False
    prune: bool = False
    timeout: Annotated[float, Meta(gt=0, le=3600)] = 60.0
    retries: Annotated[int, Meta(ge=0, le=10)] = 1


_DEFAULT = RunSettings()


class RunRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A batch that a caller asks for.

    Attributes:
        sources: roots that are read, each alone or with the key of a picture, or a prefix, below it.
        destination: a root that may be written, alone or with a prefix.
        recipe: a recipe file, as JSON; None for a preset.
        preset: the name of a recipe of this gateway; None for a recipe.
        settings: how it is done.
    """

    sources: Annotated[list[Place], Meta(min_length=1, max_length=_MAX_ITEMS)]
    destination: Place
    recipe: dict[str, Any] | None = None
    preset: str | None = None
    settings: RunSettings = _DEFAULT

    def encode(self) -> str:
        """Return the request as JSON. Equal ones are equal texts."""
        # Only the default itself is left out, not what equals it.
        request = replace(self, settings=_DEFAULT) if self.settings == _DEFAULT else self
        return _ENCODER.encode(request).decode()

    @property
    def digest(self) -> str:
        """The SHA-256 hash of the request, which identifies it in hexadecimal digits."""
        return hashlib.sha256(self.encode().encode()).hexdigest()


_ENCODER = Encoder(order="sorted")
_DECODER = Decoder(RunRequest)


def decode_request(body: bytes) -> RunRequest:
    """Return the request in a body.

    Raises:
        InvalidRequestError: it is malformed; names the member.
    """
    try:
        request = _DECODER.decode(body)
    except ValidationError as error:
        found = _PLACE.fullmatch(str(error))
        path = found["path"] if found and found["path"] else ""
        raise InvalidRequestError(path.lstrip("."), found["message"] if found else str(error)) from None
    except (DecodeError, RecursionError, UnicodeError) as error:
        raise InvalidRequestError("", f"the body is not JSON: {error}") from None
    if len(set(request.sources)) < len(request.sources):
        raise InvalidRequestError("sources", "a source is named twice")
    try:
        select_rules(request.settings.include, ())
        select_rules((), request.settings.exclude)
    except FieldError as error:
        raise InvalidRequestError(f"settings.{error.field}", error.message) from None
    return request


def find_recipe(request: RunRequest, presets: Mapping[str, Recipe]) -> Recipe:
    """Return the recipe of a request.

    Args:
        request: names a preset, or holds a recipe.
        presets: the recipes of the gateway, by name.

    Raises:
        InvalidRequestError: there is no such preset, or the recipe is invalid, does nothing, or names a file.
    """
    if (request.recipe is None) == (request.preset is None):
        raise InvalidRequestError("recipe", "give either a recipe or the name of a preset")
    try:
        if request.preset is not None:
            return find_preset(request.preset, presets)
        recipe = decode_client_recipe(request.recipe or {})
    except FieldError as error:
        raise InvalidRequestError(error.field, error.message) from None
    if recipe.is_noop:
        raise InvalidRequestError("recipe", "nothing to do: give a size, a format, a quality or a step")
    if len(recipe.renditions) > _MAX_RENDITIONS:
        raise InvalidRequestError("recipe.renditions", f"at most {_MAX_RENDITIONS} are accepted")
    return recipe
