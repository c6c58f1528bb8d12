"""Turns a picture upright. Knows no EXIF beyond the orientation's number."""

from msgspec.structs import replace
from PIL.Image import Transpose

from forkresize.image.geometry.region import compose, is_sideways, transform
from forkresize.image.picture import Picture, View

# Exif 3.0, tag 0x0112: from how the picture is stored to upright.
_TO_UPRIGHT = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}


def orient(picture: Picture) -> Picture:
    """Turn and mirror the pixels as their orientation tells; afterwards it is 1."""
    view = picture.view
    method = _TO_UPRIGHT.get(view.orientation)
    if method is None:
        return picture
    return replace(picture, image=picture.image.transpose(method), view=replace(view, orientation=1))


def turned_view(view: View, then: int) -> View:
    """Return the view of a picture that is turned or mirrored as an orientation tells, after all that is in the view.

    Args:
        view: what is seen.
        then: as EXIF numbers it, 1 to 8; 6 is a quarter turn clockwise.
    """
    width, height = view.size
    return View(
        size=(height, width) if is_sideways(then) else (width, height),
        orientation=compose(view.orientation, then),
        area=transform(view.area, view.size, then),
    )
