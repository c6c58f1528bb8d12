"""Options on top of a recipe: each replaces what the recipe says about it, and leaves the rest."""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from msgspec.structs import replace

from forkresize.errors import FieldError
from forkresize.formats import APPLIES_TO, Format
from forkresize.recipe.options import BY_OWNER, Values, as_list, sizes_from, step_from
from forkresize.recipe.rendition import EXCLUSIVE, Rendition, qualities_by_format
from forkresize.recipe.size import SIZE_MODES, Size
from forkresize.recipe.steps import STEPS, Step, Watermark, find_place

Made = TypeVar("Made")

_DEFAULTS = Rendition()


def override_steps(steps: Sequence[Step], values: Values) -> tuple[Step, ...]:
    """Return steps with the values of options in them. A step that is missing is put where options would put it.

    Args:
        steps: those of a recipe, with its resize.
        values: of the options, parsed.

    Raises:
        FieldError: there are several such steps, or an option needs a step that is missing; or a value is out of range.
    """
    changed = list(steps)
    for kind in STEPS:
        given = {name: values[name] for name in BY_OWNER[kind] if name in values}
        if given:
            _override_step(changed, kind, given)
    return tuple(changed)


def _override_step(steps: list[Step], kind: type[Step], given: Values) -> None:
    """Change the step of a kind in a list, or add or remove it."""
    options = BY_OWNER[kind]
    first = next(iter(given))
    places = [place for place, step in enumerate(steps) if type(step) is kind]
    if len(places) > 1:
        raise FieldError(first, f"the recipe has {len(places)} steps of this kind; change it in the recipe")
    starting = [name for name in given if options[name].starts]
    asked = [name for name in starting if given[name] not in (None, False)]
    if not places:
        step = step_from(kind, given)
        if step is not None:
            steps.insert(find_place(kind, steps), step)
        elif not starting:
            names = " or ".join(name for name, option in options.items() if option.starts)
            raise FieldError(first, f"has no effect: it requires {names}, and the recipe has no such step")
    elif starting and not asked:
        del steps[places[0]]
    else:
        steps[places[0]] = _change_step(steps[places[0]], given, asked)


def _change_step(step: Step, given: Values, asked: Sequence[str]) -> Step:
    options = BY_OWNER[type(step)]
    if asked and isinstance(given[asked[0]], type(step)):
        whole: Step = given[asked[0]]
        return whole
    fields = {options[name].field: value for name, value in given.items() if options[name].field}
    if isinstance(step, Watermark) and asked:
        # One replaces the other; a font without a text has no meaning.
        fields = {"image": None, "text": None, **({} if "watermark_text" in asked else {"font": None}), **fields}
    return replace(step, **fields)


def override_renditions(renditions: Sequence[Rendition], values: Values) -> tuple[Rendition, ...]:
    """Return renditions with the values of options in them.

    New sizes are combined with each of the formats, new formats with each of the sizes. Encoder options change the
    renditions whose formats have them.

    Args:
        renditions: those of a recipe.
        values: of the options, parsed.

    Raises:
        FieldError: the renditions differ in more than size and format, so that the combination is ambiguous; or a value
            is out of range, or contradicts another.
    """
    sizes = {name: values[name] for name in BY_OWNER[Size] if name in values}
    if sizes:
        renditions = _with_sizes(renditions, sizes)
    if "format" in values:
        renditions = _with_formats(renditions, as_list(values["format"]) or [None])
    encoding = {name: values[name] for name in BY_OWNER[Rendition] if name in values and name != "format"}
    return tuple(_with_encoding(each, encoding, renditions) for each in renditions)


def _with_sizes(renditions: Sequence[Rendition], values: Values) -> list[Rendition]:
    encodings = _distinct(replace(each, size=Size()) for each in renditions)
    if len({each.format for each in encodings}) < len(encodings):
        name = next(iter(values))
        raise FieldError(name, "the recipe has different encoder options for its sizes; change the sizes in the recipe")
    sizes = _override_sizes(_distinct(each.size for each in renditions), values)
    return [replace(each, size=size) for size in sizes for each in encodings]


def _override_sizes(sizes: Sequence[Size], values: Values) -> list[Size]:
    """Return the sizes that options specify; one side of a box keeps the other sides of the boxes in a recipe."""
    box = SIZE_MODES[0]
    is_side = all(name in box for name in values)
    if not is_side or any(size != Size(width=size.width, height=size.height) for size in sizes):
        return sizes_from(values)
    sides = {name: values[name] if name in values else _common([getattr(size, name) for size in sizes]) for name in box}
    counts = {name: len(as_list(value)) for name, value in sides.items()}
    if len(values) == 1 and len({*counts.values()} - {0, 1}) > 1:
        (name,), other = values, box[box[0] in values]
        raise FieldError(name, f"has {counts[name]} values, but the recipe has {counts[other]} {other}s; specify one")
    return _distinct(sizes_from(sides))


def _common(sides: list[int | None]) -> list[int | None] | None:
    """Return all sides, or one if all are equal, or None if there are none."""
    distinct = _distinct(sides)
    return None if distinct == [None] else distinct if len(distinct) == 1 else sides


def _with_formats(renditions: Sequence[Rendition], formats: Sequence[Format | None]) -> list[Rendition]:
    if len(set(formats)) < len(formats):
        raise FieldError("format", "contains the same format twice")
    by_size = [
        [each for each in renditions if each.size == size] for size in _distinct(each.size for each in renditions)
    ]
    return [_with_format(same, name, is_only=len(formats) == 1) for same in by_size for name in formats]


def _with_format(renditions: Sequence[Rendition], name: Format | None, *, is_only: bool) -> Rendition:
    """Return the one of some renditions that has a format, or the first one without what the format does not have."""
    found = next((each for each in renditions if each.format == name), None)
    if found is not None:
        return found
    first, fields = renditions[0], dict[str, Any]()
    if name is not None:
        fields = {field: getattr(_DEFAULTS, field) for field, formats in APPLIES_TO.items() if name not in formats}
        fields["quality"] = _restrict(qualities_by_format(first.quality), name, is_only=is_only)
    return replace(first, format=name, **fields)


def _restrict(qualities: Mapping[Format, int], name: Format, *, is_only: bool) -> Mapping[Format, int]:
    """Return the quality of one format; the only format of a recipe may keep those of others beside it."""
    if name not in qualities:
        return {}
    return qualities if is_only else {name: qualities[name]}


def _with_encoding(rendition: Rendition, values: Values, renditions: Sequence[Rendition]) -> Rendition:
    fields = {
        name: value for name, value in values.items() if name != "quality" and _applies(name, rendition, renditions)
    }
    for pair in EXCLUSIVE:
        for name, other in (pair, reversed(pair)):
            if fields.get(name) and other not in values:
                fields[other] = getattr(_DEFAULTS, other)
    if "quality" in values:
        fields["quality"] = _override_quality(rendition, values["quality"], renditions)
    return replace(rendition, **fields)


def _applies(name: str, rendition: Rendition, renditions: Sequence[Rendition]) -> bool:
    """Return whether an encoder option is for a rendition: its format has it, or no rendition's format does."""
    formats = APPLIES_TO.get(name)
    return formats is None or _is_for(rendition, formats) or not any(_is_for(each, formats) for each in renditions)


def _is_for(rendition: Rendition, formats: Container[str]) -> bool:
    return rendition.format is None or rendition.format in formats


def _override_quality(
    rendition: Rendition, quality: int | Mapping[str, int] | None, renditions: Sequence[Rendition]
) -> Mapping[Format, int]:
    old, new = qualities_by_format(rendition.quality), qualities_by_format(quality)
    if quality is None:
        return {}
    if rendition.format is None:
        return {**old, **new}
    if rendition.format in new:
        return _restrict(new, rendition.format, is_only=all(each.format == rendition.format for each in renditions))
    # It is for other renditions; one that is for none is refused by the rendition.
    return old if any(_is_for(each, new) for each in renditions) or isinstance(quality, int) else new


def _distinct(values: Iterable[Made]) -> list[Made]:
    """Return values without repetitions, in their order; they need not be hashable."""
    found: list[Made] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found
