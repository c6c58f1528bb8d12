"""From whatever a decoder raises to why a picture can't be made. Decodes nothing."""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

from forkresize.image.picture import PictureError, too_large
from forkresize.outcome import Reason


@contextmanager
def translate_decoder_errors(path: str, max_pixels: int) -> Iterator[None]:
    """Turn whatever Pillow raises into a PictureError, and have it check the number of pixels as well.

    There are formats whose true size shows only later, or that take memory early.

    Raises:
        PictureError: anything was raised but a MemoryError.
    """
    before = Image.MAX_IMAGE_PIXELS
    # It allows twice what it is told.
    Image.MAX_IMAGE_PIXELS = -(-max_pixels // 2)
    try:
        yield
    except (PictureError, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise too_large(_pixels_told(error), max_pixels, "the picture has") from error
    except Exception as error:
        if is_os_error(error):
            raise unreadable_error(path, error) from error
        reason = Reason.MEMORY_LIMIT if "out of memory" in str(error) else Reason.DAMAGED
        raise PictureError(reason, str(error) or type(error).__name__) from error
    finally:
        Image.MAX_IMAGE_PIXELS = before


def unreadable_error(path: str, error: Exception) -> PictureError:
    """Return the error that tells what the system says of a file."""
    return PictureError(Reason.UNREADABLE, f"{path}: {getattr(error, 'strerror', None) or error}")


def is_os_error(error: Exception) -> bool:
    """Whether an error is the system's and not a decoder's."""
    # Pillow's own have no number, and following a damaged offset gives EINVAL.
    return isinstance(error, OSError) and error.errno not in {None, errno.EINVAL}


def _pixels_told(error: Image.DecompressionBombError) -> int:
    return int(re.findall(r"\d+", str(error))[0])
