"""What to make of every picture: Recipe and its parts, frozen and validated. Touches no file and no pixel."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TypeVar

from forkresize.errors import FieldError

RGBA = tuple[int, int, int, int]

Word = TypeVar("Word", bound=StrEnum)

MAX_SIDE = 100_000
"""No format that can be written holds a longer side, in pixels."""


class Fit(StrEnum):
    """How a picture meets the target box, in CSS's and sharp's words."""

    INSIDE = "inside"
    COVER = "cover"
    CONTAIN = "contain"
    OUTSIDE = "outside"
    FILL = "fill"


class Gravity(StrEnum):
    """Which part stays when ``cover`` crops, and where the picture sits when ``contain`` pads."""

    CENTER = "center"
    NORTH = "north"
    NORTH_EAST = "north-east"
    EAST = "east"
    SOUTH_EAST = "south-east"
    SOUTH = "south"
    SOUTH_WEST = "south-west"
    WEST = "west"
    NORTH_WEST = "north-west"


class Resample(StrEnum):
    """The resampling kernel."""

    LANCZOS = "lanczos"
    BICUBIC = "bicubic"
    BILINEAR = "bilinear"
    HAMMING = "hamming"
    BOX = "box"
    NEAREST = "nearest"


class Format(StrEnum):
    """The formats that an output can be asked for in."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    AVIF = "avif"
    GIF = "gif"
    TIFF = "tiff"

    @property
    def suffix(self) -> str:
        """The usual file name suffix, with its dot."""
        return _SUFFIXES.get(self, f".{self}")


_SUFFIXES = {Format.JPEG: ".jpg", Format.TIFF: ".tif"}

DEFAULT_QUALITY: Mapping[str, int] = {Format.JPEG: 80, Format.WEBP: 78, Format.AVIF: 55}
"""The formats that have a quality, and what is used when none is asked for: about equal to the eye."""


_WORDS: dict[str, type[StrEnum]] = {"fit": Fit, "gravity": Gravity, "resample": Resample, "format": Format}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What to make of every picture.

    Words may be given as plain strings: ``Recipe(width=800, fit="cover", format="webp")``.

    Attributes:
        width: width of the target box in pixels; None leaves it to the height and the picture's ratio.
        height: height of the target box in pixels; None leaves it to the width likewise.
        fit: how the picture meets the box.
        gravity: what ``cover`` keeps and where ``contain`` puts it.
        enlarge: whether a picture smaller than the box is made larger.
        resample: the resampling kernel.
        format: the output format; None keeps the source's.
        quality: 1 to 100 for every format that has one, or a mapping from format to that.
        background: red, green, blue and alpha, 0 to 255 each: behind transparency that the output can't hold,
            and around the picture with ``contain``.
        max_pixels: a source with more pixels than this is refused undecoded.

    Raises:
        FieldError: a value is out of its range; names the field.
    """

    width: int | None = None
    height: int | None = None
    fit: Fit = Fit.INSIDE
    gravity: Gravity = Gravity.CENTER
    enlarge: bool = False
    resample: Resample = Resample.LANCZOS
    format: Format | None = None
    quality: int | Mapping[str, int] | None = None
    background: RGBA = (255, 255, 255, 255)
    max_pixels: int = 200_000_000

    def __post_init__(self) -> None:
        for field, kind in _WORDS.items():
            if getattr(self, field) is not None:
                object.__setattr__(self, field, as_word(field, kind, getattr(self, field)))
        for field in ("width", "height"):
            _check_range(field, getattr(self, field), MAX_SIDE)
        _check_range("max_pixels", self.max_pixels, None)
        qualities = _qualities(self.quality)
        object.__setattr__(self, "quality", qualities)
        if qualities and self.format is not None and self.format not in qualities:
            raise FieldError("quality", f"none of {', '.join(qualities)} is the format of the outputs, {self.format}")
        if len(self.background) != len("RGBA") or not all(0 <= channel <= 255 for channel in self.background):  # noqa: PLR2004
            raise FieldError("background", f"{self.background!r} is not red, green, blue and alpha, 0 to 255 each")

    @property
    def asks_for_something(self) -> bool:
        """Whether it says anything of the output; without, every picture would be re-encoded to no end."""
        return any((self.width, self.height, self.format, self.quality))

    def quality_for(self, output: str) -> int | None:
        """The quality, 1 to 100, for an output in this format; None where the format has none."""
        asked = self.quality if isinstance(self.quality, Mapping) else {}
        return asked.get(output) or DEFAULT_QUALITY.get(output)

    def fingerprint(self) -> str:
        """Return 16 hex digits that change with everything that changes an output."""
        told = [f"{field.name}={getattr(self, field.name)!r}" for field in fields(self) if field.name != "max_pixels"]
        return hashlib.blake2b("\n".join(told).encode(), digest_size=8).hexdigest()


def as_word(field: str, kind: type[Word], value: str) -> Word:
    """Return the member of an enumeration that a plain string names.

    Raises:
        FieldError: none of them; names the field and the words there are.
    """
    try:
        return kind(str(value))
    except ValueError:
        raise FieldError(field, f"{value!r} is none of {', '.join(kind)}") from None


def _check_range(field: str, value: int | None, most: int | None) -> None:
    if value is None:
        return
    if type(value) is not int or value < 1 or (most is not None and value > most):
        raise FieldError(field, f"{value!r} is no whole number " + (f"from 1 to {most}" if most else "of at least 1"))


def _qualities(asked: int | Mapping[str, int] | None) -> dict[Format, int]:
    if asked is None:
        return {}
    each: Mapping[str, int] = asked if isinstance(asked, Mapping) else dict.fromkeys(DEFAULT_QUALITY, asked)
    for output, value in each.items():
        if output not in DEFAULT_QUALITY:
            raise FieldError("quality", f"{output!r} has no quality; {', '.join(DEFAULT_QUALITY)} have")
        _check_range("quality", value, 100)
    return {Format(output): each[output] for output in sorted(each)}
