"""Whether any other program opens a file: the readers here take some damage that others do not."""

import io

from PIL import Image

from forkresize.formats import SPECS, source_name
from forkresize.image.diagnostics import Diagnostics


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
            image = reader(io.BytesIO(data), "")
            for number in range(getattr(image, "n_frames", 1)):
                image.seek(number)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 -- Pillow raises anything for a damaged file.
        return False
    return not found.warnings
