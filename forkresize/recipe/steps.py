"""What can be done to the pixels of a picture, a class each, in the order that flags have them. Does none of it."""

import re

from msgspec import Struct

from forkresize.errors import FieldError
from forkresize.recipe.enums import Axis, Fit, Gravity, Resample, check_int, check_number, check_pair, coerce_enums

_MAX_RADIUS = 1_000.0
_MAX_BORDER = 10_000


class Rotate(Struct, frozen=True, kw_only=True):
    """Turn clockwise.

    Attributes:
        degrees: by how much; quarters only move pixels, other angles resample and show the background in the corners.
    """

    degrees: float

    def __post_init__(self) -> None:
        check_number("rotate", self.degrees, -360, 360)


class Flip(Struct, frozen=True, kw_only=True):
    """Mirror.

    Attributes:
        axis: horizontal puts left for right, vertical top for bottom.
    """

    axis: Axis

    def __post_init__(self) -> None:
        coerce_enums(self, {"axis": Axis})


class Crop(Struct, frozen=True, kw_only=True):
    """Keep a part; what of it lies outside of the picture is left out.

    Attributes:
        width: in pixels of the upright source.
        height: likewise.
        left: distance of its left border from the picture's.
        top: distance of its upper border from the picture's.
    """

    width: int
    height: int
    left: int = 0
    top: int = 0

    def __post_init__(self) -> None:
        for side in (self.width, self.height):
            check_int("crop", side, 1)
        for offset in (self.left, self.top):
            check_int("crop", offset, 0)

    @classmethod
    def parse(cls, text: str) -> "Crop":
        """Return the part that ``WxH+X+Y`` or ``WxH`` stands for.

        Raises:
            FieldError: it is no such notation.
        """
        found = re.fullmatch(r"(\d+)x(\d+)(?:\+(\d+)\+(\d+))?", text.strip(), re.ASCII)
        if not found:
            raise FieldError("crop", f"{text!r} is no part of a picture; WxH+X+Y is, such as 800x600+10+20")
        width, height, left, top = (int(part or 0) for part in found.groups())
        return cls(width=width, height=height, left=left, top=top)


class Trim(Struct, frozen=True, kw_only=True):
    """Cut off borders of one color.

    Attributes:
        tolerance: how far a channel may differ from the border's, 0 to 255.
    """

    tolerance: int = 10

    def __post_init__(self) -> None:
        check_int("tolerance", self.tolerance, 0, 255)


class Resize(Struct, frozen=True, kw_only=True):
    """Bring to the size that each rendition says.

    Attributes:
        fit: how the picture meets the box.
        gravity: what ``cover`` keeps and where ``contain`` puts it.
        focus: the point to keep in view instead, from the left and from the top, 0 to 1 each.
        enlarge: whether a picture smaller than the box is made larger.
        resample: the resampling kernel.
        linear: resample in linear light.
    """

    fit: Fit = Fit.INSIDE
    gravity: Gravity = Gravity.CENTER
    focus: tuple[float, float] | None = None
    enlarge: bool = False
    resample: Resample = Resample.LANCZOS
    linear: bool = False

    def __post_init__(self) -> None:
        coerce_enums(self, {"fit": Fit, "gravity": Gravity, "resample": Resample})
        check_pair(self, "focus", 0, 1)

    @staticmethod
    def parse_focus(text: str) -> tuple[float, float]:
        """Return the point that ``X,Y`` stands for.

        Raises:
            FieldError: it is no such notation.
        """
        found = re.fullmatch(r"(\d*\.?\d+),(\d*\.?\d+)", text.strip(), re.ASCII)
        if not found or max(float(found[1]), float(found[2])) > 1:
            raise FieldError("focus", f"{text!r} is no point; X,Y is, 0 to 1 each, such as 0.5,0.3")
        return float(found[1]), float(found[2])


class Grayscale(Struct, frozen=True, kw_only=True):
    """Leave out the colors."""


class Blur(Struct, frozen=True, kw_only=True):
    """Blur by a Gaussian.

    Attributes:
        radius: its standard deviation in pixels of the output.
    """

    radius: float

    def __post_init__(self) -> None:
        check_number("blur", self.radius, 0.1, _MAX_RADIUS)


class Sharpen(Struct, frozen=True, kw_only=True):
    """Sharpen by an unsharp mask; the default is what a picture can do with after it was made smaller.

    Attributes:
        radius: of the mask, in pixels of the output.
        percent: its strength.
        threshold: differences below this many levels out of 255 are left alone.
    """

    radius: float = 0.6
    percent: int = 60
    threshold: int = 2

    def __post_init__(self) -> None:
        check_number("sharpen", self.radius, 0.1, _MAX_RADIUS)
        check_int("sharpen", self.percent, 1, 1_000)
        check_int("sharpen", self.threshold, 0, 255)

    @classmethod
    def parse(cls, text: str) -> "Sharpen | None":
        """Return what ``R,P,T``, ``auto`` or ``none`` stands for.

        Raises:
            FieldError: it is none of them.
        """
        if text in {"none", "auto"}:
            return cls() if text == "auto" else None
        found = re.fullmatch(r"(\d*\.?\d+),(\d+),(\d+)", text.strip(), re.ASCII)
        if not found:
            raise FieldError(
                "sharpen", f"{text!r} is neither none, auto, nor radius, percent and threshold as in 1,80,3"
            )
        return cls(radius=float(found[1]), percent=int(found[2]), threshold=int(found[3]))


class Border(Struct, frozen=True, kw_only=True):
    """Put a frame of the background's color around.

    Attributes:
        width: in pixels of the output, on each side.
    """

    width: int

    def __post_init__(self) -> None:
        check_int("border", self.width, 1, _MAX_BORDER)


class Watermark(Struct, frozen=True, kw_only=True):
    """Put a picture or a text over it. Sizes are in per cent of the output's shorter side.

    Attributes:
        image: path of a picture; its transparency counts.
        text: what to write instead.
        gravity: where; None for all over, tiled.
        scale: height of a text's capital letters with what hangs below, or the longer side of a picture.
        opacity: 0 to 1.
        margin: distance from the borders, and between tiles.
        font: path of a TrueType or OpenType font for the text.
    """

    image: str | None = None
    text: str | None = None
    gravity: Gravity | None = Gravity.SOUTH_EAST
    scale: float = 15
    opacity: float = 0.5
    margin: float = 2
    font: str | None = None

    def __post_init__(self) -> None:
        coerce_enums(self, {"gravity": Gravity})
        if (self.image is None) == (self.text is None):
            raise FieldError("watermark", "is either a picture or a text")
        if self.text is not None and not self.text.strip():
            raise FieldError("watermark_text", "is empty")
        for name, value in (("", self.image), ("_text", self.text), ("_font", self.font)):
            # No file name and no TOML text can hold it; C libraries end a text there.
            if value is not None and "\0" in value:
                raise FieldError(f"watermark{name}", f"invalid value {value[:80]!r}: remove the NUL character")
        if self.gravity in {Gravity.ENTROPY, Gravity.ATTENTION}:
            raise FieldError(
                "watermark_gravity", f"{self.gravity} is for what to keep; a direction or tile is for where to put"
            )
        if self.font is not None and self.text is None:
            raise FieldError("watermark_font", "is for a text; there is none")
        check_number("watermark_scale", self.scale, 0.1, 100)
        check_number("watermark_opacity", self.opacity, 0, 1)
        check_number("watermark_margin", self.margin, 0, 50)


Step = Rotate | Flip | Crop | Trim | Resize | Grayscale | Blur | Sharpen | Border | Watermark

STEPS: tuple[type[Step], ...] = (Rotate, Flip, Crop, Trim, Resize, Grayscale, Blur, Sharpen, Border, Watermark)
"""All of them, in the order in which flags ask for them."""
