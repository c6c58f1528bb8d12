"""Reads the metadata of a picture, and filters and embeds it for an output. Touches no pixel."""

from collections.abc import Callable, Collection
from typing import Any, TypeVar

from PIL.Image import Image

from forkresize.formats import OUTPUT_FORMATS
from forkresize.formats.metadata import MetadataBlocks
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.metadata import exif, iptc, sources, text, xmp
from forkresize.image.metadata.credit import add_credit
from forkresize.image.metadata.exif import orientation
from forkresize.image.metadata.resolution import read_resolution
from forkresize.recipe import Drop, Metadata

__all__ = ["MetadataBlocks", "extract", "orientation", "save_options"]

_T = TypeVar("_T")


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
            xmp=or_drop("XMP", lambda: xmp.filter_packet(sources.xmp(image), policy, diagnostics, drop), b""),
            iptc=or_drop("IPTC", lambda: iptc.filter_datasets(sources.iptc(image), policy, drop), b""),
            texts=text.filter_texts(image, policy, drop),
            resolution=read_resolution(image, upright),
        )
        return or_drop("credit", lambda: add_credit(blocks, is_all=policy is Metadata.COPYRIGHT), blocks)


def save_options(blocks: MetadataBlocks, output: str, diagnostics: Diagnostics) -> dict[str, Any]:
    """Return the keyword arguments of Pillow's ``Image.save`` that put metadata into an output.

    Blocks that the format has no place for are left out; those that are too large, with a warning, and so is a credit
    that was all there was to keep.

    Args:
        blocks: the metadata.
        output: the format's name.
        diagnostics: receives warnings.
    """
    spec = OUTPUT_FORMATS[output]
    if blocks.credit.is_all and not spec.has_exif:
        diagnostics.warn(f"{output} cannot store the creator and the copyright notice")
    return {name: value for name, value in spec.metadata(blocks, diagnostics.warn).items() if value}
