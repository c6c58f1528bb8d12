"""A file as it came, but with other metadata. Decodes no pixel, and encodes none."""

import struct
from importlib import import_module

from forkresize.formats import OUTPUT_FORMATS, source_name
from forkresize.image.container.parts import UnsupportedContainerError
from forkresize.image.metadata import MetadataBlocks

__all__ = ["replace_metadata"]


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
    module, _colon, function = OUTPUT_FORMATS[source_name(format.upper())].rewriter.partition(":")
    if not module:
        return None
    try:
        rewritten: bytes = getattr(import_module(module), function)(data, kept)
        return rewritten  # noqa: TRY300
    except (UnsupportedContainerError, struct.error):
        return None
