"""The Recipe: what is done to every picture, in which order, and what outputs come of it. Frozen and validated."""

import hashlib
from functools import cached_property
from typing import Any, Unpack

from msgspec import Struct
from msgspec.structs import force_setattr

from forkresize.errors import FieldError
from forkresize.recipe.enums import (
    Animation,
    Color,
    IfLarger,
    Metadata,
    OnTruncated,
    check_int,
    coerce_enums,
)
from forkresize.recipe.options import Options, renditions_of, steps_of
from forkresize.recipe.rendition import Rendition
from forkresize.recipe.steps import STEPS, Resize, Step

RGBA = tuple[int, int, int, int]

_CHANNEL = range(256)

_LIMITS = frozenset({"max_pixels", "max_frames", "max_file_size"})
"""What changes no output, but whether there is one."""

_WORDS = {
    "color": Color,
    "metadata": Metadata,
    "animation": Animation,
    "on_truncated": OnTruncated,
    "if_larger": IfLarger,
}


# With a dict, so that what every picture asks for is looked up once.
class Recipe(Struct, frozen=True, kw_only=True, dict=True):
    """What to make of every picture: it is decoded once, goes through the steps, and ends in one output a rendition.

    Attributes:
        steps: what is done to the pixels, in this order; those before the Resize are done once for all renditions.
        renditions: the outputs.
        auto_orient: whether the picture is turned upright before all else, as its EXIF tells.
        color: the colors of the outputs.
        metadata: what is kept of what is said about the picture.
        background: red, green, blue and alpha, 0 to 255 each: behind transparency that the output can't hold, and
            wherever there is no picture.
        animation: which frames are made.
        on_truncated: what is done about files that end too early.
        if_larger: what is done about outputs that are larger than their source for nothing.
        max_pixels: a source with more pixels than this is refused undecoded, and so is an output; all frames together
            may have ten times as many.
        max_frames: an output that all frames or pages go into is refused if there are more than this.
        max_file_size: a source with more bytes than this is refused unread.

    Raises:
        FieldError: a value is out of its range; names the field.
    """

    steps: tuple[Step, ...] = ()
    renditions: tuple[Rendition, ...] = (Rendition(),)
    auto_orient: bool = True
    color: Color = Color.SRGB
    metadata: Metadata = Metadata.SAFE
    background: RGBA = (255, 255, 255, 255)
    animation: Animation = Animation.KEEP
    on_truncated: OnTruncated = OnTruncated.FAIL
    if_larger: IfLarger = IfLarger.WRITE
    max_pixels: int = 200_000_000
    max_frames: int = 1000
    max_file_size: int = 1_000_000_000

    def __post_init__(self) -> None:
        coerce_enums(self, _WORDS)
        check_int("max_pixels", self.max_pixels, 1, 10**15)
        check_int("max_frames", self.max_frames, 1, 10**9)
        check_int("max_file_size", self.max_file_size, 1, 10**15)
        if len(self.background) != len("RGBA") or not all(channel in _CHANNEL for channel in self.background):
            raise FieldError("background", f"{self.background!r} is not red, green, blue and alpha, 0 to 255 each")
        if not self.renditions:
            raise FieldError("renditions", "there is none, so that nothing would come out")
        if sum(isinstance(step, Resize) for step in self.steps) > 1:
            raise FieldError("steps", "a picture is resized once; there is more than one resize")
        force_setattr(self, "background", tuple(int(channel) for channel in self.background))
        force_setattr(self, "steps", _with_resize(tuple(self.steps)))
        force_setattr(self, "renditions", tuple(self.renditions))

    @classmethod
    def of(cls, **options: Unpack[Options]) -> "Recipe":
        """Return the recipe that flags amount to, such as ``Recipe.of(width=800, fit="cover", format="webp")``.

        Several values of ``width``, ``height`` or ``format`` make several renditions.

        Raises:
            FieldError: a value is out of its range, or contradicts another; names the field.
        """
        given: dict[str, Any] = dict(options)
        own = {name: given[name] for name in cls.__struct_fields__ if name in given}
        return cls(steps=steps_of(options), renditions=renditions_of(options), **own)

    @cached_property
    def resize(self) -> Resize:
        """How the picture is brought to each rendition's size."""
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
        """Whether it asks for nothing, so that every picture would only be re-encoded."""
        plain = len(self.steps) == 1 and all(rendition == Rendition() for rendition in self.renditions)
        kept = self.metadata is Metadata.SAFE and self.color is Color.SRGB and self.animation is Animation.KEEP
        return plain and kept and self.auto_orient

    def fingerprint(self) -> str:
        """Return 16 hex digits that change with everything that changes an output."""
        told = [part for part in _told(self) if part[0] not in _LIMITS]
        return hashlib.blake2b(repr(told).encode(), digest_size=8).hexdigest()


def _told(value: Any) -> Any:
    """Return what a value holds in a form that is one for all values that are equal, such as 15 and 15.0."""
    if isinstance(value, Struct):
        return [(name, _told(getattr(value, name))) for name in value.__struct_fields__]
    if isinstance(value, tuple):
        return [(type(each).__name__, _told(each)) if isinstance(each, Struct) else _told(each) for each in value]
    return float(value) if type(value) is int else value


def _with_resize(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Put the resize that is not said where flags have it: before the first step that would come after it."""
    if any(isinstance(step, Resize) for step in steps):
        return steps
    rank = STEPS.index(Resize)
    place = next((number for number, step in enumerate(steps) if STEPS.index(type(step)) > rank), len(steps))
    return (*steps[:place], Resize(), *steps[place:])
