"""Turns pictures as EXIF orientations say."""

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
    """Return the picture with its pixels upright: afterwards its orientation is 1."""
    view = picture.view
    method = _TO_UPRIGHT.get(view.orientation)
    if method is None:
        return picture
    return replace(picture, image=picture.image.transpose(method), view=replace(view, orientation=1))


def transform_view(view: View, then: int) -> View:
    """Return the view after a further turn or mirroring.

    Args:
        view: the view so far.
        then: the EXIF orientation, 1 to 8, whose correction is applied; 6 is a quarter turn clockwise.
    """
    width, height = view.size
    return View(
        size=(height, width) if is_sideways(then) else (width, height),
        orientation=compose(view.orientation, then),
        area=transform(view.area, view.size, then),
    )
