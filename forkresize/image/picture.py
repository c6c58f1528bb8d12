"""The picture on its way from decoding to encoding, and why it may get no further. Holds no step."""

from functools import lru_cache

from msgspec import Struct, field
from msgspec.structs import replace
from PIL.Image import Image

from forkresize.image.diagnostics import Diagnostics
from forkresize.image.geometry.region import Dimensions, Region, stored_area

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
        diagnostics: collects warnings about it.
    """

    image: Image
    view: View
    reduction: int = 1
    profile: bytes | None = None
    diagnostics: Diagnostics = field(default_factory=Diagnostics)

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
