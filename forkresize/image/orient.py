"""Turns a picture upright. Knows no EXIF beyond the orientation's number."""

from dataclasses import replace

from PIL.Image import Transpose

from forkresize.image.picture import Picture
from forkresize.recipe import Recipe

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


def orient(picture: Picture, _recipe: Recipe) -> Picture:
    """Turn and mirror the pixels as their orientation tells; afterwards it is 1."""
    method = _TO_UPRIGHT.get(picture.orientation)
    if method is None:
        return picture
    return replace(picture, image=picture.image.transpose(method), orientation=1)
