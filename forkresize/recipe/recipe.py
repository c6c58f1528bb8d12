"""The Recipe: which steps are applied to every image, and which outputs are made of it."""

from collections.abc import Collection, Mapping
from functools import cached_property
from typing import Annotated, Any

from msgspec import Meta, Struct
from msgspec.structs import force_setattr, replace

from forkresize.errors import FieldError
from forkresize.formats import Format
from forkresize.hashing import blake2b
from forkresize.recipe.declaration import Declared, option, parse_value
from forkresize.recipe.effects import check_renditions, check_steps
from forkresize.recipe.enums import Animation, Color, Depth, Drop, IfLarger, Metadata, OnTruncated, SsimMetric
from forkresize.recipe.notations import BYTES, COLOR, DROP, MAX_MEGAPIXELS, MEGAPIXELS, join_qualities
from forkresize.recipe.options import BY_OWNER, RecipeOption, Values, collect_options, renditions_from, steps_from
from forkresize.recipe.override import override_renditions, override_steps
from forkresize.recipe.rendition import Rendition
from forkresize.recipe.steps import Resize, Step, find_place
from forkresize.words import suggest

_Channel = Annotated[int, Meta(ge=0, le=255)]
_Count = Annotated[int, Meta(ge=1, le=10**9)]
_Large = Annotated[int, Meta(ge=1, le=10**15)]
_Pixels = Annotated[int, Meta(ge=1, le=MAX_MEGAPIXELS * 10**6)]

_FEWEST_PIXELS = 1000
"""A lower limit of pixels is probably one of megapixels."""

_LIMITS = frozenset({"max_pixels", "max_frames", "max_file_size"})
"""Fields that decide whether an output is made, but do not change it."""


# With a dict, for the cached properties.
class Recipe(Declared, frozen=True, kw_only=True, dict=True):
    """What to make of every image: it is decoded once, goes through the steps, and ends in one output per rendition.

    Attributes:
        steps: applied in this order; those before the Resize are applied once for all renditions.
        renditions: the outputs.
        max_pixels: the most pixels of a picture that is decoded, 200 million by default; other limits are in pixels,
            frames and bytes too. Texts and recipe files state it in megapixels, as the command does.

    Raises:
        FieldError: a value is out of range; names the field.
    """

    steps: tuple[Step, ...] = ()
    renditions: tuple[Rendition, ...] = (Rendition(),)
    auto_orient: Annotated[
        bool, option("Rotate images upright first, as EXIF or XMP says.", off="no-auto-orient", group="Operations")
    ] = True
    color: Annotated[Color, option("Color space.")] = Color.SRGB
    depth: Annotated[Depth, option("Bits per channel.")] = Depth.KEEP
    metadata: Annotated[Metadata, option("Which EXIF, XMP, IPTC and texts to keep.")] = Metadata.SAFE
    drop: Annotated[
        tuple[Drop, ...],
        DROP,
        option(
            "Metadata to drop in addition. people: names and regions of persons, except the creator; place: position, "
            "place names, addresses. Either also drops texts, such as captions and keywords, and unknown entries.",
            "people,place",
        ),
    ] = ()
    background: Annotated[
        tuple[_Channel, _Channel, _Channel, _Channel],
        COLOR,
        option(
            "Background of padding, rotation corners and borders, and of transparency in formats without alpha.",
            "COLOR",
            default="white",
            group="Operations",
        ),
    ] = (255, 255, 255, 255)
    animation: Annotated[Animation, option("Which frames and pages to keep.")] = Animation.KEEP
    on_truncated: Annotated[OnTruncated, option("What to do if a file ends too early.")] = OnTruncated.FAIL
    if_larger: Annotated[IfLarger, option("If re-encoding at the same size and format makes the file larger.")] = (
        IfLarger.WRITE
    )
    max_pixels: Annotated[
        _Pixels,
        MEGAPIXELS,
        option("Fail on images with more megapixels; animations: 10 times as many in total.", "MP", group="Workers"),
    ] = 200_000_000
    max_frames: Annotated[
        _Count, option("Fail on files with more frames or pages, if all are kept.", "N", group="Workers")
    ] = 1000
    max_file_size: Annotated[
        _Large,
        BYTES,
        option("Fail on larger source files, without reading them.", "SIZE", default="1G", group="Workers"),
    ] = 1_000_000_000

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.renditions:
            raise FieldError("renditions", "specify at least one rendition")
        if sum(isinstance(step, Resize) for step in self.steps) > 1:
            raise FieldError("steps", "specify at most one resize step")
        force_setattr(self, "steps", _with_resize(self.steps))
        force_setattr(self, "drop", tuple(word for word in Drop if word in self.drop))

    @classmethod
    def of(cls, **options: Any) -> "Recipe":
        """Return the recipe that options specify, such as ``Recipe.of(width=800, fit="cover", format="webp")``.

        The options are those of the command line; values may be texts, as on the command line. Several values of
        ``width``, ``height`` or ``format`` make several renditions. ``max_pixels`` is in pixels if it is a number, and
        in megapixels if it is a text.

        Raises:
            NoEffectError: an option has no effect without another one, such as ``gravity`` without ``fit="cover"``.
            FieldError: an option is unknown, its value is out of range, or contradicts another; names the option.
        """
        _refuse_megapixels(options)
        return cls.from_options(options)

    @classmethod
    def from_options(cls, options: Mapping[str, Any], *, effective: Collection[str] | None = None) -> "Recipe":
        """Return the recipe that options specify, as ``of`` does.

        Args:
            options: their values by name.
            effective: the names of those that must have an effect, unless they state the default; None for all.

        Raises:
            FieldError: as for ``of``.
        """
        values = _parse(options)
        checked = _to_check(values, effective)
        check_steps(checked, values)
        own = {name: values[name] for name in cls.__struct_fields__ if name in values}
        recipe = cls(steps=steps_from(values), renditions=renditions_from(values), **own)
        check_renditions(checked, recipe.renditions, recipe.resize, recipe.animation)
        return recipe

    def with_options(self, **options: Any) -> "Recipe":
        """Return the recipe with options on top of it, such as ``load_recipe("web.toml").with_options(quality=70)``.

        Each option replaces what the recipe says about it: ``width`` the sizes of all renditions, ``format`` their
        formats, ``blur`` the blur step or the lack of one.

        Raises:
            NoEffectError: an option has no effect on any rendition.
            FieldError: an option is unknown, its value is out of range, or contradicts another; or the recipe is so
                different in its renditions or steps that the option is ambiguous; names the option.
        """
        _refuse_megapixels(options)
        return self.override(options)

    def override(self, options: Mapping[str, Any], *, effective: Collection[str] | None = None) -> "Recipe":
        """Return the recipe with options on top of it, as ``with_options`` does.

        Args:
            options: their values by name.
            effective: the names of those that must have an effect, unless they state the default; None for all.

        Raises:
            FieldError: as for ``with_options``.
        """
        values = _parse(options)
        own = {name: values[name] for name in self.__struct_fields__ if name in values}
        steps = override_steps(self.steps, values)
        recipe = replace(self, steps=steps, renditions=override_renditions(self.renditions, values), **own)
        check_renditions(_to_check(values, effective), recipe.renditions, recipe.resize, recipe.animation)
        return recipe

    @cached_property
    def resize(self) -> Resize:
        """How the image is brought to each rendition's size."""
        return next(step for step in self.steps if isinstance(step, Resize))

    @cached_property
    def steps_before_resize(self) -> tuple[Step, ...]:
        """The steps that are applied once, before any rendition is resized."""
        return self.steps[: self.steps.index(self.resize)]

    @cached_property
    def steps_after_resize(self) -> tuple[Step, ...]:
        """The steps that are applied to each rendition after it was resized."""
        return self.steps[self.steps.index(self.resize) + 1 :]

    @property
    def is_noop(self) -> bool:
        """Whether it asks for nothing, so that every image would only be re-encoded."""
        plain = len(self.steps) == 1 and all(rendition == Rendition() for rendition in self.renditions)
        kept = self.metadata is Metadata.SAFE and self.color is Color.SRGB and self.animation is Animation.KEEP
        return plain and kept and self.auto_orient and self.depth is Depth.KEEP and not self.drop

    def fingerprint(self) -> str:
        """Return 16 hex digits that change with everything that changes an output.

        Ledgers record them: the names of classes, of fields and of enumeration members are part of the format.
        """
        # Recipes that drop nothing keep the fingerprints from before they could.
        fields = [part for part in _normalize(self) if part[0] not in _LIMITS and part != ("drop", [])]
        return blake2b(repr(fields).encode(), digest_size=8).hexdigest()


_LATER = ("ssim_metric", SsimMetric.COLOR), ("depth", Depth.KEEP)
"""Fields that came later: recipes with their defaults keep the fingerprints from before."""


def _normalize(value: Any) -> Any:
    """Return a form that is the same for all values that are equal, such as 15 and 15.0."""
    if isinstance(value, Struct):
        fields = ((name, getattr(value, name)) for name in value.__struct_fields__)
        return [(name, _normalize(its)) for name, its in fields if (name, its) not in _LATER]
    if isinstance(value, dict) and isinstance(join_qualities(value), int):
        # One for all formats: JPEG XL came later, too.
        return {output: quality for output, quality in value.items() if output is not Format.JXL}
    if isinstance(value, tuple):
        return [
            (type(each).__name__, _normalize(each)) if isinstance(each, Struct) else _normalize(each) for each in value
        ]
    return float(value) if type(value) is int else value


def _with_resize(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Insert the implicit resize where the command line would put it."""
    if any(isinstance(step, Resize) for step in steps):
        return steps
    place = find_place(Resize, steps)
    return (*steps[:place], Resize(), *steps[place:])


def _parse(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of options, parsed where they are texts.

    Raises:
        FieldError: an option is unknown, or its value malformed.
    """
    unknown = next((name for name in options if name not in OPTIONS), None)
    if unknown is not None:
        raise FieldError(unknown, f"unknown option{suggest(unknown, OPTIONS)}")
    values = {name: OPTIONS[name].parse(value) for name, value in options.items()}
    if isinstance(scale := values.get("scale"), int | float):
        try:
            values["scale"] = parse_value(OPTIONS["scale"].kind, scale)
        except ValueError as error:
            raise FieldError("scale", str(error)) from None
    return values


def _refuse_megapixels(options: Mapping[str, Any]) -> None:
    """Check that the limit of pixels, as a number, is not one of megapixels.

    Raises:
        FieldError: it is so low that it probably is.
    """
    limit = options.get("max_pixels")
    if isinstance(limit, int | float) and 0 < limit < _FEWEST_PIXELS:
        raise FieldError(
            "max_pixels",
            f"{limit:g} is a number of pixels: use {limit * 10**6:_.0f} for {limit:g} megapixels, or '{limit:g}'",
        )


def _to_check(values: Values, effective: Collection[str] | None) -> Values:
    """Return the values of options that must have an effect: those that do not state the default."""
    names = values if effective is None else effective
    return {name: value for name, value in values.items() if name in names and value != OPTIONS[name].default}


OPTIONS: Mapping[str, RecipeOption] = {
    name: option for options in (*BY_OWNER.values(), collect_options(Recipe)) for name, option in options.items()
}
"""Every option of a recipe, by its name as a keyword of ``Recipe.of``."""
