"""Pictures on their way from decoding to encoding."""

from functools import cached_property, lru_cache

from msgspec import Struct, field
from msgspec.structs import replace
from PIL.Image import Image

from forkresize.image.diagnostics import Diagnostics
from forkresize.image.geometry.region import Dimensions, Region, is_sideways, stored_area, transform

_CACHED = 1024
"""Views and boxes to cache: the pictures of a directory have few different sizes."""


class View(Struct, frozen=True, kw_only=True, dict=True):
    """The visible part of a stored picture, and its orientation: the combination of crops, flips and quarter turns.

    Attributes:
        size: width and height of the whole picture in pixels, upright and at full scale.
        orientation: how the pixels are stored, 1 to 8 as in EXIF; 1 is upright.
        area: the visible part of the upright picture.
    """

    size: Dimensions
    orientation: int
    area: Region

    @staticmethod
    @lru_cache(maxsize=_CACHED)
    def whole(size: Dimensions, orientation: int = 1) -> "View":
        """Return the view of a whole picture of this upright size."""
        return View(size=size, orientation=orientation, area=Region.whole(size))

    def of_upper_rows(self, rows: int) -> "View":
        """Return the same view of a picture that is decoded to its first stored rows only.

        Its area may reach beyond the picture that is left, until a crop keeps it from that.

        Args:
            rows: how many.
        """
        width, height = self.size[::-1] if is_sideways(self.orientation) else self.size
        area = transform(stored_area(self.area, self.size, self.orientation), (width, rows), self.orientation)
        size = (rows, width) if is_sideways(self.orientation) else (width, rows)
        return self if rows == height else View(size=size, orientation=self.orientation, area=area)

    @cached_property
    def visible_size(self) -> Dimensions:
        """Width and height of the visible part in pixels."""
        return int(self.area.width), int(self.area.height)

    @property
    def is_identity(self) -> bool:
        """Whether the picture is visible as it is stored."""
        return self.orientation == 1 and self.visible_size == self.size


class Picture(Struct, frozen=True, kw_only=True):
    """One picture, or one frame of it, between two steps; a step returns a new one.

    Attributes:
        image: the pixels.
        view: their visible part and orientation.
        shrink: how many pixels of the source became one pixel of ``image`` along each axis while decoding.
        profile: the ICC profile that the pixels follow; None means sRGB, or gray with sRGB's curve.
        diagnostics: receives warnings.
    """

    image: Image
    view: View
    shrink: int = 1
    profile: bytes | None = None
    diagnostics: Diagnostics = field(default_factory=Diagnostics)

    @classmethod
    def plain(cls, image: Image, profile: bytes | None = None) -> "Picture":
        """Return a picture that is upright and entirely visible."""
        return cls(image=image, view=View.whole(image.size), profile=profile)

    def box(self, part: Region) -> tuple[float, float, float, float]:
        """Return left, top, width and height, in pixels of ``image``, of a part of the visible area."""
        return _box(self.view, part, self.shrink)

    def showing(self, image: Image) -> "Picture":
        """Return a copy with other pixels that are upright and entirely visible."""
        return replace(self, image=image, view=View.whole(image.size), shrink=1)


class Timing(Struct, frozen=True):
    """How an animation plays.

    Attributes:
        durations: of each frame, in milliseconds; empty for a still picture and for pages.
        loop: how often it plays; 0 is forever, None is unknown, which means once.
    """

    durations: tuple[int, ...] = ()
    loop: int | None = None


class Frames(Timing, frozen=True, kw_only=True):
    """The finished pictures of one output, in their order, ready to be encoded.

    Attributes:
        images: one for a still picture; several of one size for an animation; several of any size for pages.
        diagnostics: receives warnings.
    """

    images: tuple[Image, ...]
    diagnostics: Diagnostics = field(default_factory=Diagnostics)


@lru_cache(maxsize=_CACHED)
def _box(view: View, part: Region, shrink: int) -> tuple[float, float, float, float]:
    visible = view.area
    part = Region(visible.left + part.left, visible.top + part.top, part.width, part.height)
    area = stored_area(part, view.size, view.orientation)
    return float(area.left / shrink), float(area.top / shrink), float(area.width / shrink), float(area.height / shrink)
