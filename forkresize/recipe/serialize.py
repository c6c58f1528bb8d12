"""A recipe as bytes, to send to another process or machine."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import ValidationError, convert, to_builtins

from forkresize.errors import FieldError
from forkresize.recipe.notations import join_qualities
from forkresize.recipe.recipe import Recipe

RECIPE_VERSION = 1
"""The version of the format; it grows when older versions can no longer read it."""


def to_bytes(recipe: Recipe) -> bytes:
    """Return a recipe as a JSON object with the version of the format. Lone surrogates in paths are escaped."""
    fields = to_builtins(recipe)
    if not recipe.drop:
        # Older programs do not know it.
        del fields["drop"]
    for rendition, written in zip(recipe.renditions, fields["renditions"], strict=True):
        # One quality for all formats: older programs do not know all of them.
        if isinstance(rendition.quality, Mapping) and rendition.quality:
            written["quality"] = join_qualities(rendition.quality)
    message = {"version": RECIPE_VERSION, "recipe": fields}
    try:
        return msgspec.json.encode(message)
    except UnicodeEncodeError:
        # Paths may contain lone surrogates, which only the standard library can encode.
        import json

        return json.dumps(message, separators=(",", ":")).encode("ascii")


def _decode(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except msgspec.DecodeError:
        # What has lone surrogates, and what is malformed.
        import json

        return json.loads(data)


def from_bytes(data: bytes) -> Recipe:
    """Return the recipe that ``to_bytes`` wrote.

    Raises:
        FieldError: the data is malformed, has another version, or a value is out of range.
    """
    try:
        message = _decode(data)
        version = message["version"] if isinstance(message, dict) and "version" in message else None
    except (ValueError, RecursionError) as error:
        raise FieldError("recipe", f"malformed recipe: {error}") from None
    if version != RECIPE_VERSION:
        raise FieldError("recipe", f"unsupported version {version!r}: this program reads version {RECIPE_VERSION}")
    try:
        return convert(message.get("recipe"), Recipe)
    except ValidationError as error:
        cause = error.__cause__
        raise cause if isinstance(cause, FieldError) else FieldError("recipe", str(error)) from None
