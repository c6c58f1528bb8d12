"""The words that a recipe uses: one enumeration for each choice."""

from enum import StrEnum
from typing import TypeVar

from forkresize.errors import FieldError

Word = TypeVar("Word", bound=StrEnum)


class Fit(StrEnum):
    """How an image fits the target box; the words are those of CSS and sharp."""

    INSIDE = "inside"
    COVER = "cover"
    CONTAIN = "contain"
    OUTSIDE = "outside"
    FILL = "fill"


class Gravity(StrEnum):
    """Which part ``cover`` keeps, and where ``contain`` places the image.

    ``entropy`` keeps the part with the most detail, ``attention`` the most salient part.
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
    """The direction of a flip: left to right, or top to bottom."""

    HORIZONTAL = "h"
    VERTICAL = "v"


class Color(StrEnum):
    """The color space of an output: sRGB, or the source's own with its profile."""

    SRGB = "srgb"
    KEEP = "keep"


class Metadata(StrEnum):
    """Which of EXIF, XMP, IPTC and PNG texts are kept.

    ``safe`` is everything except location, serial numbers, maker notes and embedded thumbnails; ``copyright`` is the
    author and the license.
    """

    ALL = "all"
    SAFE = "safe"
    COPYRIGHT = "copyright"
    NONE = "none"


class Animation(StrEnum):
    """Whether all frames are kept where the output format can hold them, or only the first."""

    KEEP = "keep"
    FIRST = "first"


class OnTruncated(StrEnum):
    """What to do with a file that ends too early: fail, or use the part that can be decoded."""

    FAIL = "fail"
    SALVAGE = "salvage"


class IfLarger(StrEnum):
    """What to do if re-encoding at the same size and format makes the file larger."""

    WRITE = "write"
    KEEP_ORIGINAL = "keep-original"


class Subsampling(StrEnum):
    """The resolution of the color channels; ``auto`` is full from quality 90, a quarter below."""

    AUTO = "auto"
    FULL = "444"
    HALF = "422"
    QUARTER = "420"


def parse_enum(field: str, kind: type[Word], value: str) -> Word:
    """Return the member of an enumeration that a string names.

    Raises:
        FieldError: there is no such member; names the field and the accepted words.
    """
    try:
        return kind(str(value))
    except ValueError:
        raise FieldError(field, f"invalid value {value!r}: use one of {', '.join(kind)}") from None
