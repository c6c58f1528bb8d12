"""The picture on its way from decoding to encoding, and why it may get no further. Holds no step."""

from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace
from PIL.Image import Image

from forkresize.errors import ForkresizeError
from forkresize.image.geometry.region import Dimensions, Region, stored_area
from forkresize.outcome import Reason

_ANIMATION_FACTOR = 10
"""How many times the pixels of one picture all frames of one may have together."""

_CACHED = 1024
"""Views and boxes kept; the pictures of a folder have few sizes."""


class View(Struct, frozen=True, kw_only=True):
    """Which part of a stored picture is seen, and which way up: what crops, flips and quarter turns come to.

    Attributes:
        size: width and height of the whole picture in pixels, upright and unreduced.
        orientation: how the pixels are stored, as EXIF numbers it: 1 to 8; 1 is upright.
        area: the part that is shown, in the upright picture.
    """

    size: Dimensions
    orientation: int
    area: Region

    @staticmethod
    @lru_cache(maxsize=_CACHED)
    def whole(size: Dimensions, orientation: int = 1) -> "View":
        """Return the view of all of a picture whose upright size is given."""
        return View(size=size, orientation=orientation, area=Region.whole(size))

    @property
    def shown(self) -> Dimensions:
        """Width and height of the part that is shown, in pixels."""
        return int(self.area.width), int(self.area.height)

    @property
    def is_identity(self) -> bool:
        """Whether the picture is shown as it is stored."""
        return self.orientation == 1 and self.shown == self.size


class Picture(Struct, frozen=True, kw_only=True):
    """One picture, or one frame of it, between two steps; a step returns another one.

    Attributes:
        image: the pixels, in Pillow's terms.
        view: which part of them is seen, and which way up.
        reduction: how many pixels of the source went into one of ``image`` along each axis while decoding.
        profile: the ICC profile that the pixels follow; None means sRGB, or gray with sRGB's curve.
    """

    image: Image
    view: View
    reduction: int = 1
    profile: bytes | None = None

    @classmethod
    def plain(cls, image: Image, profile: bytes | None = None) -> "Picture":
        """Return a picture of which all is seen, upright."""
        return cls(image=image, view=View.whole(image.size), profile=profile)

    def box(self, part: Region) -> tuple[float, float, float, float]:
        """Return where a part of what is shown lies in ``image``: left, top, width and height in its pixels."""
        return _box(self.view, part, self.reduction)

    def showing(self, image: Image) -> "Picture":
        """Return a picture of which all is seen, upright, with other pixels."""
        return replace(self, image=image, view=View.whole(image.size), reduction=1)


@lru_cache(maxsize=_CACHED)
def _box(view: View, part: Region, by: int) -> tuple[float, float, float, float]:
    shown = view.area
    part = Region(shown.left + part.left, shown.top + part.top, part.width, part.height)
    area = stored_area(part, view.size, view.orientation)
    return float(area.left / by), float(area.top / by), float(area.width / by), float(area.height / by)


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


def check_pixels(size: Dimensions, most: int, subject: str, frames: int = 1) -> None:
    """Refuse what would take more memory than the user allows.

    Raises:
        PictureError: the width times the height, times the number of frames, is more than ``most``.
    """
    pixels = size[0] * size[1] * frames
    if pixels > most:
        raise too_large(pixels, most, subject)


def check_total_pixels(pixels: int, most: int) -> None:
    """Refuse what would take more time than the user allows for one frame, many times over.

    Args:
        pixels: of all frames together.
        most: how many one picture may have.

    Raises:
        PictureError: there are more than ten times as many.
    """
    if pixels > most * _ANIMATION_FACTOR:
        limit = f"{_ANIMATION_FACTOR} times --max-pixels {most / 1e6:.6g}"
        raise PictureError(Reason.TOO_LARGE, f"its frames have {pixels / 1e6:.6g} megapixels, more than {limit}")


def check_frames(frames: int, most: int) -> None:
    """Refuse what has more frames or pages than the user allows; there may be more still than were counted.

    Raises:
        PictureError: it has.
    """
    if frames > most:
        # Where they have to be looked for one by one, that ends with the first too many.
        least = "at least " if frames == most + 1 else ""
        told = f"the picture has {least}{frames} frames or pages, more than --max-frames {most}"
        raise PictureError(Reason.TOO_MANY_FRAMES, told)


def check_file_size(size: int, most: int) -> None:
    """Refuse a file of more bytes than the user allows.

    Raises:
        PictureError: it has more than ``most``.
    """
    if size > most:
        told = f"the file has {size / 1e6:.6g} megabytes, more than --max-file-size {most / 1e6:.6g}M"
        raise PictureError(Reason.FILE_TOO_LARGE, told)


def too_large(pixels: int, most: int, subject: str) -> PictureError:
    """Return the error that tells how many pixels there are and how many are allowed."""
    return PictureError(
        Reason.TOO_LARGE, f"{subject} {pixels / 1e6:.6g} megapixels, more than --max-pixels {most / 1e6:.6g}"
    )
