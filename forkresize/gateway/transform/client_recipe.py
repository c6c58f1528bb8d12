"""The recipe that a caller asks for: as JSON, as options, or as a preset with options on top of it."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Annotated, Any

from msgspec import DecodeError, Meta, defstruct
from msgspec.json import decode

from forkresize.errors import FieldError, NoEffectError
from forkresize.gateway.problem import Problem
from forkresize.gateway.recipes import NAMES_FILE, decode_client_recipe, find_preset
from forkresize.recipe import OPTIONS, Recipe
from forkresize.recipefile.decode import field_name

_EXAMPLES = {"width": ["80"], "format": ["webp"]}


def _describe_option(name: str) -> tuple[str, Any, None]:
    about = Meta(description=OPTIONS[name].declaration.help, examples=_EXAMPLES.get(name))
    return name, Annotated[str | None, about], None


TransformQuery = defstruct(
    "TransformQuery",
    [
        ("recipe", Annotated[str | None, Meta(description="A recipe file, as JSON.")], None),
        ("preset", Annotated[str | None, Meta(description="The name of a recipe of the gateway.")], None),
        *(_describe_option(name) for name, option in OPTIONS.items() if not option.declaration.is_path),
    ],
    frozen=True,
    kw_only=True,
)
"""The query of a request, and the fields of its form besides the picture: what ``read_recipe`` takes, as texts."""


def read_recipe(fields: Iterable[tuple[str, str]], presets: Mapping[str, Recipe]) -> Recipe:
    """Return the recipe of a request, which makes one picture.

    Args:
        fields: ``recipe``, a recipe file as JSON; ``preset``, the name of one; and options of the command, such as
            ``width``, on top of either.
        presets: the recipes of the gateway, by name.

    Raises:
        Problem: 400: a field is unknown, given twice, has an invalid value, or names a file. 422: the recipe makes
            nothing, or several pictures.
    """
    values = _collect(fields)
    text, name = values.pop("recipe", None), values.pop("preset", None)
    if text is not None and name is not None:
        raise Problem(HTTPStatus.BAD_REQUEST, "cannot be combined with recipe", field="preset")
    for option in values:
        if option in OPTIONS and OPTIONS[option].declaration.is_path:
            raise Problem(HTTPStatus.BAD_REQUEST, NAMES_FILE, field=option)
    try:
        base = find_preset(name, presets) if name is not None else parse_recipe(text) if text is not None else None
        recipe = Recipe.of(**values) if base is None else base.with_options(**values) if values else base
    except NoEffectError as error:
        needed = error.join_requirements(lambda field, word: f"{field}={word}" if word else field)
        raise Problem(HTTPStatus.BAD_REQUEST, f"has no effect: it requires {needed}", field=error.field) from error
    except FieldError as error:
        raise Problem(HTTPStatus.BAD_REQUEST, error.message, field=error.field) from error
    return _check(recipe)


def parse_recipe(text: str | bytes) -> Recipe:
    """Return the recipe in a JSON document, which has the keys of recipe files.

    Raises:
        Problem: 400: it is not a JSON object.
        FieldError: see ``decode_client_recipe``.
    """
    try:
        data: Any = decode(text)
    except (DecodeError, RecursionError, UnicodeError) as error:
        raise Problem(HTTPStatus.BAD_REQUEST, f"not JSON: {error}", field="recipe") from error
    if not isinstance(data, dict):
        raise Problem(HTTPStatus.BAD_REQUEST, "not a JSON object", field="recipe")
    return decode_client_recipe(data)


def _collect(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    values: dict[str, str] = {}
    for key, value in fields:
        name = field_name(key)
        if name in values:
            raise Problem(HTTPStatus.BAD_REQUEST, "it is given twice", field=key)
        values[name] = value
    return values


def _check(recipe: Recipe) -> Recipe:
    if recipe.is_noop:
        text = "nothing to do: give a recipe, a preset, or options such as width, format or quality"
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, text, field="recipe")
    if len(recipe.renditions) > 1:
        text = f"it makes {len(recipe.renditions)} pictures, and an answer has one: send a request for each"
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, text, field="renditions")
    return recipe
