"""The words that a recipe uses: one enumeration for each choice, with an explanation of each word."""

from enum import StrEnum
from typing import Self, TypeVar

from forkresize.errors import FieldError
from forkresize.words import WordEnum, find_word, one_of

Kind = TypeVar("Kind", bound=StrEnum)


class Word(WordEnum):
    """A word, and what it means; any spelling of it is accepted.

    Attributes:
        help: what it means; empty if it explains itself.
    """

    help: str

    def __new__(cls, value: str, help: str = "") -> Self:  # noqa: A002 (its name everywhere)
        """Create a member."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.help = help
        return member


class Fit(Word):
    """How an image fits the target box; the words are those of CSS and sharp."""

    INSIDE = "inside", "fit within it"
    COVER = "cover", "fill it and crop the rest"
    CONTAIN = "contain", "fit within it and pad"
    OUTSIDE = "outside", "enclose it"
    FILL = "fill", "stretch to it"


class Gravity(Word):
    """Which part ``cover`` keeps, and where ``contain`` places the image."""

    CENTER = "center"
    NORTH = "north"
    NORTH_EAST = "north-east"
    EAST = "east"
    SOUTH_EAST = "south-east"
    SOUTH = "south"
    SOUTH_WEST = "south-west"
    WEST = "west"
    NORTH_WEST = "north-west"
    ENTROPY = "entropy", "the part with the most detail"
    ATTENTION = "attention", "the most salient part"


class Resample(Word):
    """The resampling kernel."""

    LANCZOS = "lanczos", "sharp"
    BICUBIC = "bicubic", "softer"
    BILINEAR = "bilinear", "soft"
    HAMMING = "hamming", "sharper than bilinear"
    BOX = "box", "the average"
    NEAREST = "nearest", "adds no colors, for pixel art"


class Axis(Word):
    """The direction of a flip."""

    HORIZONTAL = "h", "left to right"
    VERTICAL = "v", "top to bottom"


class Color(Word):
    """The color space of an output."""

    SRGB = "srgb", "convert to sRGB"
    P3 = "p3", "convert to Display P3, with its profile; gray stays gray"
    KEEP = "keep", "that of the source, with its profile"


class Depth(Word):
    """How many bits per channel an output has."""

    KEEP = "keep", "16 bits of the source stay 16, if the output format can hold them (PNG, TIFF)"
    EIGHT = "8", "8 bits, for smaller files"


class Metadata(Word):
    """Which of EXIF, XMP, IPTC and PNG texts are kept."""

    ALL = "all", "everything"
    SAFE = "safe", "everything except location, serial numbers, maker notes and thumbnails"
    COPYRIGHT = "copyright", "author, license, and use by machines"
    NONE = "none", "nothing"


class Drop(Word):
    """What is dropped of the metadata that is kept otherwise."""

    PEOPLE = "people", "names and regions of persons, but not the credit"
    PLACE = "place", "the position, place names and addresses"


class SsimMetric(Word):
    """How the similarity to the picture before encoding is measured."""

    COLOR = "color", "lightness and colors at two scales, close to SSIMULACRA2"
    LUMA = "luma", "the structural similarity (SSIM) of the luma alone"


class Animation(Word):
    """Which frames or pages are kept."""

    KEEP = "keep", "all, if the output format can hold them"
    FIRST = "first", "only the first"


class OnTruncated(Word):
    """What to do with a file that ends too early."""

    FAIL = "fail", "report a failure"
    SALVAGE = "salvage", "use the part that is there"


class IfLarger(Word):
    """What to do if re-encoding at the same size and format makes the file larger."""

    WRITE = "write", "keep it anyway"
    KEEP_ORIGINAL = "keep-original", "copy the original image data without re-encoding"


class Subsampling(Word):
    """The resolution of the color channels."""

    AUTO = "auto", "444 from quality 90, else 420"
    FULL = "444", "full"
    HALF = "422", "half"
    QUARTER = "420", "a quarter"


def parse_enum(field: str, kind: type[Kind], value: str) -> Kind:
    """Return the member of an enumeration that a string names.

    Raises:
        FieldError: there is no such member; names the field and the accepted words.
    """
    word = find_word(str(value), kind)
    if word is None:
        raise FieldError(field, f"invalid value {value!r}: use {one_of(str(value), kind)}")
    return kind(word)
