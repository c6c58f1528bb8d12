"""Limits on the pixels, frames and bytes of a picture."""

import warnings

from PIL import Image

from forkresize.image.errors import PictureError, too_large
from forkresize.image.geometry.region import Dimensions
from forkresize.outcome import Reason

_ANIMATION_FACTOR = 10
"""All frames together may have this many times the pixels that one picture may have."""


def limit_decoders(max_pixels: int) -> None:
    """Make Pillow check the limit as well, in a process that does nothing but render with one recipe.

    Some formats reveal their true size, or allocate memory, only inside of Pillow. Elsewhere Pillow's default limit
    of 179 megapixels remains for these.
    """
    # An error is raised at twice this number, and a warning at this number.
    Image.MAX_IMAGE_PIXELS = -(-max_pixels // 2)
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)


def check_pixels(size: Dimensions, limit: int, subject: str, frames: int = 1) -> None:
    """Check the pixels of all frames together, which have to be in memory at the same time.

    Args:
        size: width and height of one frame.
        limit: the most pixels allowed.
        subject: begins the message, for example "the picture has".
        frames: how many there are.

    Raises:
        PictureError: there are more than the limit.
    """
    pixels = size[0] * size[1] * frames
    if pixels > limit:
        raise too_large(pixels, limit, subject)


def check_total_pixels(pixels: int, limit: int) -> None:
    """Check the pixels of all frames together, which take time one after another.

    Args:
        pixels: of all frames.
        limit: the most pixels that one picture may have.

    Raises:
        PictureError: there are more than ten times the limit.
    """
    if pixels > limit * _ANIMATION_FACTOR:
        raise too_large(pixels, limit * _ANIMATION_FACTOR, "all frames together have", f"{_ANIMATION_FACTOR} times ")


def check_frames(frames: int, limit: int) -> None:
    """Check the number of frames or pages.

    Args:
        frames: how many there are; counting may have stopped at ``limit + 1``.
        limit: the most allowed.

    Raises:
        PictureError: there are more than the limit.
    """
    if frames > limit:
        at_least = "at least " if frames == limit + 1 else ""
        message = f"the picture has {at_least}{frames} frames or pages, more than the limit of {limit} (max_frames)"
        raise PictureError(Reason.TOO_MANY_FRAMES, message)


def check_file_size(size: int, limit: int) -> None:
    """Check the size of a file in bytes.

    Raises:
        PictureError: it is more than the limit.
    """
    if size > limit:
        message = f"the file has {size / 1e6:.6g} MB, more than the limit of {limit / 1e6:.6g} MB (max_file_size)"
        raise PictureError(Reason.FILE_TOO_LARGE, message)
