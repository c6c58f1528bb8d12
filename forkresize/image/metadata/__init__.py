"""What is said about a picture, and what of it goes into an output. Touches no pixel."""

from collections.abc import Callable
from typing import Any, TypeVar

from PIL.Image import Image

from forkresize.formats import OUTPUT_FORMATS
from forkresize.formats.metadata import MetadataBlocks
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.metadata import exif, iptc, sources, text, xmp
from forkresize.image.metadata.credit import add_credit
from forkresize.image.metadata.exif import orientation
from forkresize.recipe import Metadata

__all__ = ["MetadataBlocks", "extract", "orientation", "save_options"]

_T = TypeVar("_T")


def extract(image: Image, policy: Metadata, diagnostics: Diagnostics) -> MetadataBlocks:
    """Return what of a picture's metadata goes into its outputs.

    Damaged parts are dropped, each with a warning. Who made the picture and who may use it is put into EXIF if it is
    not there already.

    Args:
        image: an opened picture. Only once it is loaded does a PNG show what it has behind its pixels; a TIFF's file
            must still be open, and it is left at its first page, which speaks for all.
        policy: what to keep.
        diagnostics: receives warnings.
    """
    if policy is Metadata.NONE:
        return MetadataBlocks()

    def or_drop(name: str, made: Callable[[], _T], otherwise: _T) -> _T:
        try:
            return made()
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 -- strangers' bytes, and Pillow raises anything.
            diagnostics.warn(f"damaged {name} was dropped: {error}")
            return otherwise

    with diagnostics.collect():
        if image.format == "TIFF" and image.tell():
            image.seek(0)
        blocks = MetadataBlocks(
            exif=or_drop("EXIF", lambda: exif.filtered(image, policy), b""),
            xmp=or_drop("XMP", lambda: xmp.filtered(sources.xmp(image), policy, diagnostics), b""),
            iptc=or_drop("IPTC", lambda: iptc.filtered(sources.iptc(image), policy), b""),
            texts=text.filtered(image, policy),
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
        diagnostics.warn(f"{output} has no place for who made the picture and who may use it")
    return {name: value for name, value in spec.metadata(blocks, diagnostics.warn).items() if value}
