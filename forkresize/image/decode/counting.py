"""How many frames or pages a file has, counted no further than is of use. Decodes nothing."""

from typing import TYPE_CHECKING, cast

from PIL.ImageFile import ImageFile

if TYPE_CHECKING:
    from PIL.GifImagePlugin import GifImageFile


def count_frames(image: ImageFile, most: int) -> int:
    """Return the number of frames or pages as Pillow counts them; of a GIF or a TIFF, no more than ``most + 1``.

    Those two don't say how many they have, and looking for each takes as long as a stranger's file pleases.

    Args:
        image: stands at its first frame; does so afterwards.
        most: how many are of use; at least 1.

    Raises:
        Exception: a decoder's own, of what is damaged between the frames.
    """
    if image.format not in {"GIF", "TIFF"}:
        return _told(image)
    try:
        for number in range(1, most + 1):
            _go_to(image, number)
    except EOFError:
        return _told(image)
    finally:
        image.seek(0)
    return most + 1


def _go_to(image: ImageFile, number: int) -> None:
    if image.format == "TIFF":
        image.seek(number)
    else:
        # The public way to a GIF's frame decodes the one before it.
        cast("GifImageFile", image)._seek(number, update_image=False)  # noqa: SLF001


def _told(image: ImageFile) -> int:
    return int(getattr(image, "n_frames", 1))
