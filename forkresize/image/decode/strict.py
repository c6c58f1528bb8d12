"""Whether any other program opens a file: the readers here take some damage that others do not."""

import errno
import io
import os

from PIL import Image

from forkresize.formats import SPECS, source_name
from forkresize.image.diagnostics import Diagnostics


class _File(io.BytesIO):
    """Bytes in memory that refuse a place before their beginning, as a file on disk does."""

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        if whence == os.SEEK_END and -offset > len(self.getbuffer()):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return super().seek(offset, whence)


def opens_everywhere(data: bytes, format: str) -> bool:  # noqa: A002 -- as Pillow names it.
    """Return whether Pillow's own reader opens all frames of a file, without a warning. It need not decode them.

    A format that Pillow does not read counts as opened, since its only decoder has opened it.

    Args:
        data: the file of a picture that was opened and decoded.
        format: its format, in Pillow's name.
    """
    name = source_name(format)
    if SPECS[name].decoder:
        return True
    found = Diagnostics()
    try:
        with found.collect():
            reader, _accepts = Image.OPEN[name.upper()]
            image = reader(_File(data), "")
            for number in range(getattr(image, "n_frames", 1)):
                image.seek(number)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 -- Pillow raises anything for a damaged file.
        return False
    return not found.warnings
