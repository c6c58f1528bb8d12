"""Loads the picture of a watermark. Does not scale it."""

from functools import lru_cache

from PIL import ImageChops
from PIL.Image import Image

from forkresize.errors import FieldError
from forkresize.image.color.alpha import premultiply
from forkresize.image.color.convert import to_srgb
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.errors import PictureError, unreadable_error
from forkresize.image.picture import Picture
from forkresize.image.source_image import SourceImage
from forkresize.image.steps.modes import normalize_mode
from forkresize.image.steps.orient import orient
from forkresize.image.watermark.files import open_file
from forkresize.outcome import Reason
from forkresize.recipe import Recipe

_MAX_PIXELS = 50_000_000

_HELD = frozenset({"L", "LA", "RGB", "RGBA"})


@lru_cache(maxsize=4)
def logo(path: str) -> Image:
    """Return a picture upright and in sRGB, as mode LA if it is gray and RGBA if it has colors.

    Raises:
        FieldError: it can't be read, is not a picture, or is too large.
    """
    try:
        image = to_srgb(orient(normalize_mode(_first_frame(path), _HELD))).image.convert("RGBA")
    except PictureError as error:
        raise FieldError("watermark", f"{path}: {_describe(error)}") from error
    return image.convert("LA") if _is_gray(image) else image


def _first_frame(path: str) -> Picture:
    try:
        file = open_file(path)
    except OSError as error:
        raise unreadable_error(path, error) from error
    with file:
        source = SourceImage.open(file, Recipe(max_pixels=_MAX_PIXELS), Diagnostics(), path)
        source.load()
        return next(source.decode(1, 1))


def _describe(error: PictureError) -> str:
    if error.reason is Reason.TOO_LARGE:
        return f"has more than {_MAX_PIXELS // 1_000_000} megapixels"
    return str(error) or "is not a picture"


def _is_gray(image: Image) -> bool:
    red, green, blue, _alpha = premultiply(image).split()
    return not any(ImageChops.difference(red, other).getbbox() for other in (green, blue))
