"""The words that a recipe is said in, and how they and the numbers beside them are checked. Holds no recipe."""

from enum import StrEnum
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import force_setattr

from forkresize.errors import FieldError

Word = TypeVar("Word", bound=StrEnum)


class Fit(StrEnum):
    """How a picture meets the target box, in CSS's and sharp's words."""

    INSIDE = "inside"
    COVER = "cover"
    CONTAIN = "contain"
    OUTSIDE = "outside"
    FILL = "fill"


class Gravity(StrEnum):
    """Which part stays when ``cover`` crops, and where the picture sits when ``contain`` pads.

    The last two look at the picture: ``entropy`` keeps what is richest in detail, ``attention`` what draws the eye.
    """

    CENTER = "center"
    NORTH = "north"
    NORTH_EAST = "north-east"
    EAST = "east"
    SOUTH_EAST = "south-east"
    SOUTH = "south"
    SOUTH_WEST = "south-west"
    WEST = "west"
    NORTH_WEST = "north-west"
    ENTROPY = "entropy"
    ATTENTION = "attention"


class Resample(StrEnum):
    """The resampling kernel."""

    LANCZOS = "lanczos"
    BICUBIC = "bicubic"
    BILINEAR = "bilinear"
    HAMMING = "hamming"
    BOX = "box"
    NEAREST = "nearest"


class Axis(StrEnum):
    """Which way a picture is mirrored: left for right, or top for bottom."""

    HORIZONTAL = "h"
    VERTICAL = "v"


class Color(StrEnum):
    """The colors of an output: converted to sRGB, or left in the source's space together with its profile."""

    SRGB = "srgb"
    KEEP = "keep"


class Metadata(StrEnum):
    """What is kept of EXIF, XMP, IPTC and PNG's texts.

    ``safe`` is all but position, serial numbers, maker notes and embedded thumbnails; ``copyright`` is who made the
    picture and who may use it.
    """

    ALL = "all"
    SAFE = "safe"
    COPYRIGHT = "copyright"
    NONE = "none"


class Animation(StrEnum):
    """Whether all frames are kept where the output can hold them, or the first."""

    KEEP = "keep"
    FIRST = "first"


class OnTruncated(StrEnum):
    """What is done about a file that ends too early: fail, or make what is there."""

    FAIL = "fail"
    SALVAGE = "salvage"


class IfLarger(StrEnum):
    """What is done about an output of the source's own size and format that came out with more bytes."""

    WRITE = "write"
    KEEP_ORIGINAL = "keep-original"


class Subsampling(StrEnum):
    """At what resolution colors are stored; ``auto`` is all of it from quality 90 on, a quarter below."""

    AUTO = "auto"
    FULL = "444"
    HALF = "422"
    QUARTER = "420"


def parse_enum(field: str, kind: type[Word], value: str) -> Word:
    """Return the member of an enumeration that a plain string names.

    Raises:
        FieldError: none of them; names the field and the words there are.
    """
    try:
        return kind(str(value))
    except ValueError:
        raise FieldError(field, f"{value!r} is none of {', '.join(kind)}") from None


def coerce_enums(instance: Struct, words: dict[str, type[StrEnum]]) -> None:
    """Bring the fields of a frozen instance that hold words from plain strings to their members.

    Raises:
        FieldError: there is no such word.
    """
    for field, kind in words.items():
        value = getattr(instance, field)
        if value is not None:
            force_setattr(instance, field, parse_enum(field, kind, value))


def check_pair(instance: Struct, field: str, least: float, most: float) -> None:
    """Bring a field of a frozen instance that holds two numbers in a range to a tuple of them; None stays.

    Raises:
        FieldError: it holds anything else.
    """
    value = getattr(instance, field)
    if value is None:
        return
    if not isinstance(value, tuple | list) or len(value) != 2 or None in value:  # noqa: PLR2004 (a pair)
        raise FieldError(field, f"{value!r} is no pair of numbers")
    for number in value:
        check_number(field, number, least, most)
    force_setattr(instance, field, tuple(value))


def check_int(field: str, value: Any, least: int, most: int | None = None) -> None:
    """Refuse what is no whole number in a range; None passes.

    Raises:
        FieldError: it is not.
    """
    if value is None:
        return
    if type(value) is not int or value < least or (most is not None and value > most):
        span = f"from {least} to {most}" if most is not None else f"of at least {least}"
        raise FieldError(field, f"{value!r} is no whole number {span}")


def check_number(field: str, value: Any, least: float, most: float) -> None:
    """Refuse what is no number in a range, ends included; None passes.

    Raises:
        FieldError: it is not.
    """
    if value is None:
        return
    if type(value) not in {int, float} or not least <= value <= most:
        raise FieldError(field, f"{value!r} is no number from {least:g} to {most:g}")
