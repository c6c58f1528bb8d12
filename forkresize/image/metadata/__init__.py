"""Reads the metadata of a picture, and filters and embeds it for an output. Touches no pixel."""

from collections.abc import Callable, Collection, Iterator
from typing import Any, TypeVar

from PIL.Image import Image

from forkresize.formats import OUTPUT_FORMATS, SPECS
from forkresize.formats.metadata import AUTHOR, COMMENT, COPYRIGHT, MetadataBlocks
from forkresize.formats.spec import Block
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.metadata import exif, iptc, sources, text
from forkresize.image.metadata.credit import add_credit
from forkresize.image.metadata.exif import orientation, with_orientation, without_orientation
from forkresize.image.metadata.resolution import read_resolution
from forkresize.recipe import Drop, Metadata

__all__ = [
    "MetadataBlocks",
    "extract",
    "held_blocks",
    "orientation",
    "save_options",
    "with_orientation",
    "without_orientation",
]

_T = TypeVar("_T")

_UNINTENDED: Collection[tuple[float, float] | None] = ((1.0, 1.0), (72.0, 72.0), (96.0, 96.0))
"""Resolutions that programs write if they know none."""


def extract(
    image: Image, policy: Metadata, diagnostics: Diagnostics, drop: Collection[Drop] = (), *, upright: int = 1
) -> MetadataBlocks:
    """Return the metadata of a picture that goes into its outputs.

    Damaged parts are dropped, each with a warning. The creator and the copyright notice are copied into EXIF if it does
    not have them.

    Args:
        image: an opened picture; a PNG must be loaded, since metadata can come after the pixels. A TIFF's file must
            still be open; its first page counts for all, and becomes the current one.
        policy: what to keep.
        diagnostics: receives warnings.
        drop: what to drop of that.
        upright: the orientation that the outputs correct, 1 to 8 as in EXIF.
    """
    if policy is Metadata.NONE:
        return MetadataBlocks()

    def or_drop(name: str, read: Callable[[], _T], default: _T) -> _T:
        try:
            return read()
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 -- Pillow raises anything for damaged metadata.
            diagnostics.warn(f"damaged {name} was dropped: {error}")
            return default

    with diagnostics.collect():
        if image.format == "TIFF" and image.tell():
            image.seek(0)
        blocks = MetadataBlocks(
            exif=or_drop("EXIF", lambda: exif.filter_block(image, policy, drop), b""),
            xmp=or_drop("XMP", lambda: _filter_xmp(sources.xmp(image), policy, diagnostics, drop), b""),
            iptc=or_drop("IPTC", lambda: iptc.filter_datasets(sources.iptc(image), policy, drop), b""),
            texts=text.filter_texts(image, policy, drop),
            resolution=read_resolution(image, upright),
        )
        return or_drop("credit", lambda: add_credit(blocks, is_all=policy is Metadata.COPYRIGHT), blocks)


def _filter_xmp(packet: bytes, policy: Metadata, diagnostics: Diagnostics, drop: Collection[Drop]) -> bytes:
    if not packet:
        return b""
    # The parser of XML is for pictures that have XMP.
    from forkresize.image.metadata.xmp import filter_packet

    return filter_packet(packet, policy, diagnostics, drop)


def save_options(blocks: MetadataBlocks, output: str, diagnostics: Diagnostics) -> dict[str, Any]:
    """Return the keyword arguments of Pillow's ``Image.save`` that put metadata into an output.

    Blocks that the format has no place for, and those that are too large, are left out with a warning.

    Args:
        blocks: the metadata.
        output: the format's name.
        diagnostics: receives warnings.
    """
    spec = OUTPUT_FORMATS[output]
    repeated: Collection[Block] = ()
    if blocks.credit.is_all:
        # All blocks but one repeat the credit.
        repeated = (Block.EXIF, Block.XMP, Block.IPTC)
        if Block.EXIF not in spec.stores:
            diagnostics.warn(f"{output} cannot store the creator and the copyright notice")
    if dropped := [each for each in held_blocks(blocks) if each not in spec.stores and each not in repeated]:
        diagnostics.warn(f"dropped {', '.join(dropped)}: {SPECS[output].label} has no place for this")
    return {name: value for name, value in spec.metadata(blocks, diagnostics.warn).items() if value}


def held_blocks(blocks: MetadataBlocks) -> Iterator[Block]:
    """Yield the kinds of metadata that there are."""
    contents = {
        Block.EXIF: blocks.exif,
        Block.XMP: blocks.xmp,
        Block.IPTC: blocks.iptc,
        Block.COMMENT: blocks.texts.get(COMMENT, ""),
        # The credit is in EXIF as well.
        Block.TEXTS: blocks.texts.keys() - {COMMENT, AUTHOR, COPYRIGHT},
        Block.RESOLUTION: None if blocks.resolution in _UNINTENDED else blocks.resolution,
    }
    return (block for block, content in contents.items() if content)
