"""Replaces the metadata of a file. Decodes and encodes no pixel."""

import struct
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from PIL import Image

from forkresize.formats import OUTPUT_FORMATS, source_name
from forkresize.formats.spec import UnsupportedContainerError
from forkresize.image import metadata
from forkresize.image.metadata import MetadataBlocks

__all__ = ["refuse_sideways", "replace_metadata"]


def replace_metadata(data: bytes, format: str, blocks: MetadataBlocks) -> bytes | None:  # noqa: A002 -- as Pillow names it.
    """Return a file with the same coded pixels, color profile and frames, and with no metadata but the given.

    What follows the picture is dropped, such as gain maps, videos and further pictures.

    Args:
        data: the file.
        format: its format, in Pillow's lower-case name.
        blocks: the metadata to put in.

    Returns:
        The new file; None if its format has no rewriter, if it is damaged, and if it is not stored upright, since only
        its metadata says so.
    """
    module, _colon, function = OUTPUT_FORMATS[source_name(format.upper())].rewriter.partition(":")
    if not module:
        return None
    try:
        rewritten: bytes = getattr(import_module(module), function)(data, blocks)
    except (UnsupportedContainerError, struct.error):
        return None
    return rewritten


def refuse_sideways(info: Mapping[str, Any]) -> None:
    """Refuse a picture that its metadata turns.

    Args:
        info: the metadata blocks, under the names that Pillow gives them.

    Raises:
        UnsupportedContainerError: it is not stored upright.
    """
    bearer = Image.new("1", (1, 1))
    bearer.info.update(info)
    if metadata.orientation(bearer) != 1:
        raise UnsupportedContainerError
