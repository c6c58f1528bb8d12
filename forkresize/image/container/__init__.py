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

__all__ = ["check_orientation", "load_rewriters", "replace_metadata"]


def load_rewriters(format: str | None) -> None:  # noqa: A002 -- as Pillow names it.
    """Load what replaces the metadata of files.

    Args:
        format: the name of their format; None for all formats.
    """
    for name, spec in OUTPUT_FORMATS.items():
        module = spec.rewriter.partition(":")[0]
        if module and format in {None, name}:
            import_module(module)


def replace_metadata(data: bytes, format: str, blocks: MetadataBlocks) -> bytes | None:  # noqa: A002 -- as Pillow names it.
    """Return a file with the same coded pixels, color profile and frames, and with no metadata but the given.

    What follows the picture is dropped, such as gain maps, videos and further pictures.

    Args:
        data: the file.
        format: its format, in Pillow's lower-case name.
        blocks: the metadata to put in.

    Returns:
        The new file; None if its format has no rewriter, if it is damaged, and if the metadata to put in does not say
        how it is stored.
    """
    module, _colon, function = OUTPUT_FORMATS[source_name(format.upper())].rewriter.partition(":")
    if not module:
        return None
    try:
        rewritten: bytes = getattr(import_module(module), function)(data, blocks)
    except (UnsupportedContainerError, struct.error):
        return None
    return rewritten


def check_orientation(info: Mapping[str, Any], blocks: MetadataBlocks) -> None:
    """Check that other metadata turns a picture as its own does.

    Args:
        info: its metadata blocks, under the names that Pillow gives them.
        blocks: those that replace them.

    Raises:
        UnsupportedContainerError: it would be turned otherwise.
    """
    if _orientation(info) != _orientation({"exif": blocks.exif}):
        raise UnsupportedContainerError


def _orientation(info: Mapping[str, Any]) -> int:
    bearer = Image.new("1", (1, 1))
    bearer.info.update(info)
    return metadata.orientation(bearer)
