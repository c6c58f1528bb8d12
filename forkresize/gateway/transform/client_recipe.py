"""The recipe that a caller asks for: as JSON, as options, or as a preset with options on top of it."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Annotated, Any

from msgspec import DecodeError, Meta, defstruct
from msgspec.json import decode

from forkresize.errors import FieldError, NoEffectError
from forkresize.gateway.problem import Problem
from forkresize.recipe import OPTIONS, Recipe, Watermark
from forkresize.recipefile.decode import decode_recipe, field_name
from forkresize.tomlfile import TomlValueError
from forkresize.tomlfile.errors import format_key

_MAX_STEPS = 32

_FILE = "names a file, which only presets may do"


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
            raise Problem(HTTPStatus.BAD_REQUEST, _FILE, field=option)
    base = _find_preset(name, presets) if name is not None else parse_recipe(text) if text is not None else None
    try:
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
        Problem: 400: it is malformed, invalid, or names a file.
    """
    try:
        data: Any = decode(text)
    except (DecodeError, RecursionError, UnicodeError) as error:
        raise Problem(HTTPStatus.BAD_REQUEST, f"not JSON: {error}", field="recipe") from error
    if not isinstance(data, dict):
        raise Problem(HTTPStatus.BAD_REQUEST, "not a JSON object", field="recipe")
    try:
        recipe = decode_recipe(data, "")
    except TomlValueError as error:
        key = format_key(error.path)
        raise Problem(HTTPStatus.BAD_REQUEST, error.message, field=f"recipe.{key}" if key else "recipe") from error
    if len(recipe.steps) > _MAX_STEPS:
        raise Problem(HTTPStatus.BAD_REQUEST, f"at most {_MAX_STEPS} steps are accepted", field="recipe.steps")
    for number, step in enumerate(recipe.steps):
        if isinstance(step, Watermark) and (step.image or step.font):
            raise Problem(HTTPStatus.BAD_REQUEST, f"the watermark {_FILE}", field=f"recipe.steps[{number}]")
    return recipe


def _collect(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    values: dict[str, str] = {}
    for key, value in fields:
        name = field_name(key)
        if name in values:
            raise Problem(HTTPStatus.BAD_REQUEST, "it is given twice", field=key)
        values[name] = value
    return values


def _find_preset(name: str, presets: Mapping[str, Recipe]) -> Recipe:
    if name not in presets:
        known = ", ".join(sorted(presets)) or "none"
        text = f"there is no preset {name!r}; this gateway has: {known}"
        raise Problem(HTTPStatus.BAD_REQUEST, text, field="preset")
    return presets[name]


def _check(recipe: Recipe) -> Recipe:
    if recipe.is_noop:
        text = "nothing to do: give a recipe, a preset, or options such as width, format or quality"
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, text, field="recipe")
    if len(recipe.renditions) > 1:
        text = f"it makes {len(recipe.renditions)} pictures, and an answer has one: send a request for each"
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, text, field="renditions")
    return recipe
