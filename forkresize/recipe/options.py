"""The options of a recipe, collected from the declarations, and how their values make steps and renditions."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from forkresize.errors import ConflictError, FieldError
from forkresize.formats import APPLIES_TO
from forkresize.recipe.declaration import Declaration, Declared, base_type, check, find_meta, parse_text, shorthand_kind
from forkresize.recipe.enums import Word
from forkresize.recipe.rendition import Rendition, qualities_by_format
from forkresize.recipe.size import SIZE_MODES, Size
from forkresize.recipe.steps import STEPS, Step

Values = Mapping[str, Any]
"""The values of options, by name."""


class RecipeOption(Struct, frozen=True):
    """An option of a recipe.

    Attributes:
        name: the keyword of ``Recipe.of``.
        declaration: what the command line and the documentation need to know.
        kind: the type of its value.
        owner: the class that the value belongs to.
        field: the field that it sets; empty if it stands for the whole of its owner.
        default: the default of the field.
        starts: whether it alone asks for its step.
    """

    name: str
    declaration: Declaration
    kind: Any
    owner: type[Declared]
    field: str = ""
    default: Any = None
    starts: bool = False

    @property
    def help(self) -> str:
        """What it does, with an explanation of each word of a choice."""
        kind, notation = base_type(self.kind), find_meta(self.kind, "notation")
        if notation or not (isinstance(kind, type) and issubclass(kind, Word)):
            return self.declaration.help
        parts = [f"{word}: {word.help}" for word in kind if word.help]
        if others := [str(word) for word in kind if not word.help]:
            parts.append(f"or {', '.join(others)}")
        return f"{self.declaration.help} {'; '.join(parts)}."

    @property
    def group(self) -> str:
        """The heading of the option."""
        return self.declaration.group or self.owner.group

    def parse(self, value: Any) -> Any:
        """Return the value that a text stands for, or a tuple of them if the option accepts several.

        Values that are not texts are returned as they are; their owner checks them.

        Raises:
            FieldError: it is not a value of this option.
        """
        try:
            if self.declaration.several and value is not None:
                parts = value.split(",") if isinstance(value, str) else as_list(value)
                return tuple(parse_text(self.kind, part) if isinstance(part, str) else part for part in parts)
            if isinstance(value, str):
                return parse_text(self.kind, value)
            return value if self.field or self.kind is bool else check(self.kind, value)
        except FieldError:
            raise
        except ValueError as error:
            raise FieldError(self.name, str(error)) from None


def collect_options(owner: type[Declared]) -> dict[str, RecipeOption]:
    """Return the options that a class declares, by name."""
    return {option.name: option for option in _declared_options(owner)}


def _declared_options(owner: type[Declared]) -> Iterator[RecipeOption]:
    short = owner.shorthand
    if short is not None:
        name = str(owner.__struct_config__.tag or owner.__name__.lower())
        yield RecipeOption(name, short, shorthand_kind(owner), owner, short.field, starts=True)
    names, defaults = owner.__struct_fields__, owner.__struct_defaults__
    for place, field in enumerate(names, len(defaults) - len(names)):
        kind = owner.__annotations__[field]
        declaration = find_meta(kind, "option")
        if declaration is not None:
            default = defaults[place] if place >= 0 else None
            yield RecipeOption(
                f"{owner.prefix}{field}", declaration, kind, owner, field, default=default, starts=declaration.starts
            )


BY_OWNER: Mapping[type[Declared], Mapping[str, RecipeOption]] = {
    owner: collect_options(owner) for owner in (Size, *STEPS, Rendition)
}
"""The options of each class, by name."""


def steps_from(values: Values) -> tuple[Step, ...]:
    """Return the steps that options specify, in the order in which options apply them.

    Raises:
        FieldError: a value is out of range.
    """
    return tuple(step for kind in STEPS if (step := step_from(kind, values)) is not None)


def step_from(kind: type[Step], values: Values) -> Step | None:
    """Return a step if an option asks for it; a step without options of its own is always there.

    Raises:
        FieldError: a value is out of range.
    """
    options = BY_OWNER[kind]
    starting = [name for name, option in options.items() if option.starts]
    given = [values[name] for name in starting if values.get(name) not in (None, False)]
    if starting and not given:
        return None
    fields = {option.field: values[name] for name, option in options.items() if option.field and name in values}
    return given[0] if given and isinstance(given[0], kind) else kind(**fields)


def renditions_from(values: Values) -> tuple[Rendition, ...]:
    """Return the renditions that options specify: every size in every format.

    Raises:
        FieldError: a value is out of range, or contradicts another.
    """
    formats = as_list(values.get("format")) or [None]
    if len(set(formats)) < len(formats):
        raise FieldError("format", "contains the same format twice")
    return tuple(
        Rendition(size=size, format=name, **_encoding(values, name, formats))
        for size in sizes_from(values)
        for name in formats
    )


def sizes_from(values: Values) -> list[Size]:
    """Return the sizes that options specify.

    Raises:
        FieldError: a value is out of range, or contradicts another.
    """
    modes = [mode for mode in (("size",), *SIZE_MODES) if any(as_list(values.get(name)) for name in mode)]
    if len(modes) > 1:
        first, second = (next(name for name in mode if as_list(values.get(name))) for mode in modes[:2])
        raise ConflictError(second, first)
    if modes == [("size",)]:
        return [values["size"]]
    widths, heights = as_list(values.get("width")), as_list(values.get("height"))
    if widths or heights:
        return [Size(width=width, height=height) for width, height in _pairs(widths, heights)]
    return [Size(**{name: values[name] for mode in modes for name in mode})]


def _pairs(widths: list[Any], heights: list[Any]) -> Iterable[tuple[int | None, int | None]]:
    count = max(len(widths), len(heights))
    for field, sides in (("width", widths), ("height", heights)):
        if len(set(sides)) < len(sides) and not (widths and heights):
            raise FieldError(field, "contains the same value twice")
        if len(sides) not in {0, 1, count}:
            raise FieldError(field, f"has {len(sides)} values, but the other side has {count}")
    return zip(_repeat(widths, count), _repeat(heights, count), strict=True)


def _repeat(sides: list[Any], count: int) -> list[Any]:
    return sides if len(sides) == count else (sides or [None]) * count


def _encoding(values: Values, name: str | None, formats: Sequence[str | None]) -> dict[str, Any]:
    """Return the encoder options of one of several formats, without those that apply to another of them only."""
    fields = {field: values[field] for field in BY_OWNER[Rendition] if field in values and field != "format"}
    quality = fields.get("quality")
    if name is None or len(formats) == 1:
        return fields
    if quality is not None:
        each = qualities_by_format(quality)
        fields["quality"] = {output: number for output, number in each.items() if output == name} or None
    others = {
        field
        for field, applicable in APPLIES_TO.items()
        if name not in applicable and any(other is None or other in applicable for other in formats)
    }
    return {field: value for field, value in fields.items() if field not in others}


def as_list(value: Any) -> list[Any]:
    """Return the values of an option that accepts several."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
