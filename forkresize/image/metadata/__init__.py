"""What is said about a picture, and what of it goes into an output. Touches no pixel."""

import warnings
from collections.abc import Callable

from PIL.Image import Image

from forkresize.image.metadata import exif, iptc, sources, texts, xmp
from forkresize.image.metadata.embed import save_options
from forkresize.image.metadata.exif import orientation
from forkresize.image.metadata.kept import Kept
from forkresize.recipe import Metadata

__all__ = ["Kept", "kept", "orientation", "save_options"]


def kept(image: Image, policy: Metadata) -> Kept:
    """Return what of a picture's metadata goes into its outputs.

    Damaged parts are dropped, each with a warning.

    Args:
        image: an opened picture. Only once it is loaded does a PNG show what it has behind its pixels; a TIFF's file
            must still be open, and it is left at its first page, which speaks for all.
        policy: what to keep.
    """
    if policy is Metadata.NONE:
        return Kept()
    if image.format == "TIFF" and image.tell():
        image.seek(0)
    return Kept(
        exif=_sound("EXIF", lambda: exif.filtered(image, policy)),
        xmp=_sound("XMP", lambda: xmp.filtered(sources.xmp(image), policy)),
        iptc=_sound("IPTC", lambda: iptc.filtered(sources.iptc(image), policy)),
        texts=texts.filtered(image, policy),
    )


def _sound(name: str, block: Callable[[], bytes]) -> bytes:
    try:
        return block()
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 -- strangers' bytes, and Pillow raises anything.
        warnings.warn(f"damaged {name} was dropped: {error}", stacklevel=1)
        return b""
