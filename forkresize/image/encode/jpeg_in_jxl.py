"""Packs a JPEG as a JPEG XL without loss: the coefficients stay, and the JPEG can be restored bit by bit."""

import io
from importlib import import_module

from forkresize.formats import SPECS, EncodeRequest


def pack_jpeg(data: bytes, effort: int | None) -> bytes | None:
    """Return a JPEG as a JPEG XL with the same pixels, color profile and metadata; None if that cannot be done.

    It cannot for CMYK, for a damaged file, and for rare codings. It takes about 25 bytes of memory a pixel.

    Args:
        data: the JPEG.
        effort: as in a rendition.

    Raises:
        MemoryError: there is not enough memory.
    """
    from PIL import Image

    package, output = SPECS["jxl"].decoder, SPECS["jxl"].output
    assert package is not None and output is not None  # noqa: S101, PT018 -- the format declares both.
    options = output.options(EncodeRequest(mode="RGB", lossless=True, effort=effort))
    encoder = import_module(package.module).Encoder(mode="RGB", quality=100, use_container=True, **options)
    with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
        width, height = image.size
    try:
        packed: bytes = encoder(data, width, height, jpeg_encode=True)
    except RuntimeError:
        # What the library says of a JPEG that it cannot pack.
        return None
    return packed
