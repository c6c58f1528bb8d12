"""The steps that a recipe can apply to an image, in the order in which options apply them.

To add a step, declare it here and implement it in image/steps.
"""

import re
from collections.abc import Sequence
from typing import Annotated, get_args

from msgspec import Meta

from forkresize.errors import FieldError
from forkresize.recipe.declaration import Declared, Shorthand, format_value, notation, option
from forkresize.recipe.enums import Axis, Fit, Gravity, Resample
from forkresize.recipe.notations import DIRECTIONS, PLACE, POINT
from forkresize.words import find_word

_Degrees = Annotated[float, Meta(ge=-360, le=360)]
_Radius = Annotated[float, Meta(ge=0.1, le=1_000)]
_Width = Annotated[int, Meta(ge=1, le=10_000)]
_Side = Annotated[int, Meta(ge=1)]
_Offset = Annotated[int, Meta(ge=0)]
_Level = Annotated[int, Meta(ge=0, le=255)]
_Gray = Annotated[int, Meta(ge=1, le=255)]
_Strength = Annotated[int, Meta(ge=1, le=1_000)]
_Share = Annotated[float, Meta(ge=0, le=1)]
_Scale = Annotated[float, Meta(ge=0.1, le=100)]
_Margin = Annotated[float, Meta(ge=0, le=50)]

_CROP = "WxH+X+Y or WxH, for example 800x600+10+20"
_SHARPEN = "none, auto, or radius, percent and threshold as in 1,80,3"


class StepBase(Declared, frozen=True, kw_only=True, tag_field="step", tag=str.lower):
    """What all steps share: a step is recognized by its name when it is decoded."""

    group = "Operations"


class Rotate(StepBase, frozen=True, kw_only=True):
    """Rotate clockwise. Multiples of 90 degrees only move pixels; other angles resample."""

    shorthand = Shorthand("Rotate clockwise. Corners are filled with the background color.", "DEG", field="degrees")

    degrees: Annotated[_Degrees, Meta(description="Angle in degrees.")]


class Flip(StepBase, frozen=True, kw_only=True):
    """Mirror the image."""

    shorthand = Shorthand("Mirror.", field="axis")

    axis: Annotated[Axis, Meta(description="Direction.")]


class Crop(StepBase, frozen=True, kw_only=True):
    """Keep a rectangle; the part of it outside the image is ignored."""

    shorthand = Shorthand(
        "Keep only this rectangle of the source, in pixels.",
        "WxH+X+Y",
        notation=notation(_CROP, lambda text: Crop.parse(text)),  # noqa: PLW0108 (not defined yet)
    )

    width: Annotated[_Side, Meta(description="Width in pixels of the upright source.")]
    height: Annotated[_Side, Meta(description="Height in pixels of the upright source.")]
    left: Annotated[_Offset, Meta(description="Distance from the left edge.")] = 0
    top: Annotated[_Offset, Meta(description="Distance from the upper edge.")] = 0

    @classmethod
    def parse(cls, text: str) -> "Crop":
        """Return the rectangle that ``WxH+X+Y`` or ``WxH`` specifies.

        Raises:
            FieldError: the text does not have this notation.
        """
        found = re.fullmatch(r"(\d{1,9})x(\d{1,9})(?:\+(\d{1,9})\+(\d{1,9}))?", text.strip(), re.ASCII)
        if not found:
            raise FieldError("crop", f"invalid rectangle {format_value(text)}: use {_CROP}")
        width, height, left, top = (int(part or 0) for part in found.groups())
        return cls(width=width, height=height, left=left, top=top)


class Trim(StepBase, frozen=True, kw_only=True):
    """Crop borders of a uniform color."""

    shorthand = Shorthand("Crop borders of a uniform color.", bare=True)

    tolerance: Annotated[_Level, Meta(description="How far a channel may differ from the border's color.")] = 10


class Resize(StepBase, frozen=True, kw_only=True):
    """Resize to the size of each rendition."""

    group = "Size"

    fit: Annotated[Fit, option("How an image fits the target box.")] = Fit.INSIDE
    gravity: Annotated[Gravity, option("Which part cover keeps, or where contain places the image.")] = Gravity.CENTER
    focus: Annotated[
        tuple[_Share, _Share] | None,
        POINT,
        option("Point that cover keeps in view, 0 to 1 from left and top.", "X,Y"),
    ] = None
    enlarge: Annotated[bool, option("Enlarge images that are smaller.", off="no-enlarge")] = False
    resample: Annotated[Resample, option("Resampling kernel.")] = Resample.LANCZOS
    linear: Annotated[bool, option("Resize in linear light: slower, keeps fine high-contrast patterns bright.")] = False


class Grayscale(StepBase, frozen=True, kw_only=True):
    """Convert to grayscale."""

    shorthand = Shorthand("Convert to grayscale.", bare=True)


class Blur(StepBase, frozen=True, kw_only=True):
    """Apply a Gaussian blur."""

    shorthand = Shorthand("Gaussian blur with a standard deviation of R output pixels.", "R", field="radius")

    radius: Annotated[_Radius, Meta(description="Standard deviation in pixels of the output.")]


class Sharpen(StepBase, frozen=True, kw_only=True):
    """Apply an unsharp mask; the defaults suit an image that was made smaller."""

    shorthand = Shorthand(
        "Unsharp mask after resizing. none: off; auto: for smaller images; R,P,T: radius, percent, threshold.",
        "none|auto|R,P,T",
        default="none",
        notation=notation(_SHARPEN, lambda text: Sharpen.parse(text)),  # noqa: PLW0108 (not defined yet)
        bare="auto",
    )

    radius: Annotated[_Radius, Meta(description="Radius of the mask in pixels of the output.")] = 0.6
    percent: Annotated[_Strength, Meta(description="Strength in percent.")] = 60
    threshold: Annotated[_Level, Meta(description="Smaller differences, in levels, are left alone.")] = 2

    @classmethod
    def parse(cls, text: str) -> "Sharpen | None":
        """Return what ``R,P,T``, ``auto`` or ``none`` specifies.

        Raises:
            FieldError: the text does not have this notation.
        """
        word = find_word(text, ("none", "auto"))
        if word is not None:
            return cls() if word == "auto" else None
        found = re.fullmatch(r"(\d*\.?\d+),(\d{1,9}),(\d{1,9})", text.strip(), re.ASCII)
        if not found:
            raise FieldError("sharpen", f"invalid value {format_value(text)}: use {_SHARPEN}")
        return cls(radius=float(found[1]), percent=int(found[2]), threshold=int(found[3]))


class Threshold(StepBase, frozen=True, kw_only=True):
    """Convert to black and white."""

    shorthand = Shorthand("Convert to black and white: grays from N on become white, 1 to 255.", "N", field="level")

    level: Annotated[_Gray, Meta(description="The darkest gray that becomes white.")]


class Border(StepBase, frozen=True, kw_only=True):
    """Add a border of the background color."""

    shorthand = Shorthand("Add a border of the background color on each side.", "PX", field="width")

    width: Annotated[_Width, Meta(description="Width in pixels of the output.")]


class Watermark(StepBase, frozen=True, kw_only=True):
    """Overlay an image or a text."""

    shorthand = Shorthand("Overlay an image.", "FILE", is_path=True, field="image")
    prefix = "watermark_"

    image: Annotated[str | None, Meta(description="Path of an image, whose transparency counts.")] = None
    text: Annotated[str | None, option("Overlay a text.", "TEXT", starts=True)] = None
    gravity: Annotated[
        Gravity | None,
        PLACE,
        option(f"Position. tile: repeat the watermark everywhere; or {', '.join(DIRECTIONS)}."),
    ] = Gravity.SOUTH_EAST
    scale: Annotated[_Scale, option("Size in percent of the output's shorter side.", "PERCENT")] = 15
    opacity: Annotated[_Share, option("Opacity, 0 (invisible) to 1 (opaque).", "0..1")] = 0.5
    margin: Annotated[_Margin, option("Distance from the edge in percent of the shorter side.", "PERCENT")] = 2
    font: Annotated[
        str | None,
        option("TrueType or OpenType font of the text.", "FILE", is_path=True, default="a font with Latin letters"),
    ] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.image is None) == (self.text is None):
            raise FieldError("watermark", "specify either an image or a text")
        if self.text is not None and not self.text.strip():
            raise FieldError("watermark_text", "must not be empty")
        if self.gravity in {Gravity.ENTROPY, Gravity.ATTENTION}:
            raise FieldError("watermark_gravity", f"invalid value '{self.gravity}': use a side, a corner or tile")
        if self.font is not None and self.text is None:
            raise FieldError("watermark_font", "requires a text")


Step = Rotate | Flip | Crop | Trim | Resize | Grayscale | Blur | Sharpen | Threshold | Border | Watermark

STEPS: tuple[type[Step], ...] = get_args(Step)
"""All steps, in the order in which options apply them."""


def find_place(kind: type[Step], steps: Sequence[Step]) -> int:
    """Return the index before the first step that follows a kind in the order of options."""
    rank = STEPS.index(kind)
    return next((place for place, step in enumerate(steps) if STEPS.index(type(step)) > rank), len(steps))
