"""A file as it came, but with other metadata. Decodes no pixel, and encodes none."""

import struct

from forkresize.image.container import jpeg, png, webp
from forkresize.image.container.parts import UnsupportedContainerError
from forkresize.image.metadata import MetadataBlocks

__all__ = ["replace_metadata"]

_REWRITERS = {"jpeg": jpeg.rewrite, "mpo": jpeg.rewrite, "png": png.rewrite, "webp": webp.rewrite}


def replace_metadata(data: bytes, format: str, kept: MetadataBlocks) -> bytes | None:  # noqa: A002 -- as Pillow names it.
    """Return a file with the same coded pixels, color profile and frames, and with no metadata but what is given.

    Whatever follows the picture goes, such as gain maps, videos and further pictures.

    Args:
        data: the file.
        format: its format, in Pillow's lower-case name.
        kept: the metadata to put in.

    Returns:
        The new file; None where its format is none of JPEG, PNG and WebP, where it is damaged, and where it is stored
        sideways, which only its metadata tells.
    """
    rewritten = _REWRITERS.get(format)
    if rewritten is None:
        return None
    try:
        return rewritten(data, kept)
    except (UnsupportedContainerError, struct.error):
        return None
