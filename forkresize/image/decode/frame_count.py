"""Counts the frames of formats that do not store their number."""

from typing import TYPE_CHECKING, cast

from PIL.ImageFile import ImageFile

if TYPE_CHECKING:
    from PIL.GifImagePlugin import GifImageFile


def count_frames(image: ImageFile, limit: int) -> int:
    """Return the number of frames or pages of a GIF or a TIFF, at most ``limit + 1``.

    They do not store it, and finding each frame takes time that a hostile file can multiply.

    Args:
        image: stands at its first frame, before and after.
        limit: at least 1.

    Raises:
        Exception: what a decoder raises if the file is damaged between the frames.
    """
    try:
        for number in range(1, limit + 1):
            if image.format == "TIFF":
                image.seek(number)
            else:
                # The public method decodes all frames on the way.
                cast("GifImageFile", image)._seek(number, update_image=False)  # noqa: SLF001
    except EOFError:
        return int(getattr(image, "n_frames", 1))
    finally:
        image.seek(0)
    return limit + 1
