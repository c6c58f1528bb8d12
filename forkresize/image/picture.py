"""The picture on its way from decoding to encoding, and why it may get no further. Holds no step."""

from dataclasses import dataclass

from PIL.Image import Image

from forkresize.errors import ForkresizeError
from forkresize.image.formats import WRITERS
from forkresize.image.geometry import Layout, Size
from forkresize.outcome import Reason
from forkresize.recipe import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One picture between two steps; a step returns another one.

    Attributes:
        image: the pixels, in Pillow's terms. Stored sideways until ``orient`` has run.
        orientation: what EXIF says of ``image``, 1 to 8; 1 is upright.
        format: the source's format, in Pillow's lower-case name.
        output: the format to write, likewise.
        layout: what part of the source is shown, and how large.
        reduction: how many pixels of the source went into one of ``image`` along each axis while decoding.
        profile: the ICC profile that the pixels follow; None means sRGB, or gray with sRGB's curve.
        exif: the EXIF block to write, ready for the encoder; empty for none.
    """

    image: Image
    orientation: int
    format: str
    output: str
    layout: Layout
    reduction: int = 1
    profile: bytes | None = None
    exif: bytes = b""


class PictureError(ForkresizeError):
    """A picture can't be made.

    Attributes:
        reason: why, in the words a summary groups by.
        fatal: whether every other picture would fail likewise.
    """

    def __init__(self, reason: Reason, message: str, *, fatal: bool = False) -> None:
        super().__init__(message)
        self.reason = reason
        self.fatal = fatal


def output_format(source: str | None, recipe: Recipe) -> str:
    """Return the format to write, in Pillow's lower-case name.

    Args:
        source: the source's format, in Pillow's own name.
        recipe: may ask for a format; otherwise it is the source's.

    Raises:
        PictureError: the source's own is asked for, and can't be written.
    """
    if recipe.format is not None:
        return recipe.format
    own = "jpeg" if source == "MPO" else str(source).lower()
    if own not in WRITERS:
        raise PictureError(Reason.UNSUPPORTED, f"{source} can be read but not written; choose an output --format")
    return own


def check_pixels(size: Size, most: int, subject: str) -> None:
    """Refuse what would take more memory than the user allows.

    Raises:
        PictureError: the width times the height is more than ``most``.
    """
    pixels = size[0] * size[1]
    if pixels > most:
        raise too_large(pixels, most, subject)


def too_large(pixels: int, most: int, subject: str) -> PictureError:
    """Return the error that tells how many pixels there are and how many are allowed."""
    return PictureError(
        Reason.TOO_LARGE, f"{subject} {pixels / 1e6:.6g} megapixels, more than --max-pixels {most / 1e6:.6g}"
    )
