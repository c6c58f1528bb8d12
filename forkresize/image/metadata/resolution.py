"""Reads how many pixels per inch a picture has, for print. Scales nothing."""

from math import isfinite

from PIL.Image import Image

from forkresize.image.geometry.region import is_sideways

_LEAST, _MOST = 1, 65_535
"""Pixels per inch that every format can store."""

_DECIMALS = 2
"""PNG stores pixels per meter, so that 300 per inch are read as 299.9994."""

_GUESS = 72.0, 72.0
"""What Pillow and Exif 3.0 (4.6.5.1.8) assume if a JPEG does not say."""

_JFIF_HAS_UNIT = frozenset({1, 2})


def read_resolution(image: Image, orientation: int) -> tuple[float, float] | None:
    """Return the pixels per inch, horizontally and vertically, of an upright picture; None if they are not known.

    Args:
        image: an opened picture.
        orientation: how it is stored, 1 to 8 as in EXIF.
    """
    stored = image.info.get("dpi")
    if not isinstance(stored, tuple) or not all(map(_is_usable, stored)):
        return None
    x, y = (round(float(each), _DECIMALS) for each in stored)
    if image.format in {"JPEG", "MPO"} and image.info.get("jfif_unit") not in _JFIF_HAS_UNIT and (x, y) == _GUESS:
        return None
    return (y, x) if is_sideways(orientation) else (x, y)


def _is_usable(number: object) -> bool:
    try:
        value = float(number)  # type: ignore[arg-type] # Pillow's rational numbers have no type of their own.
    except (TypeError, ValueError, ZeroDivisionError):
        return False
    return isfinite(value) and _LEAST <= value <= _MOST
