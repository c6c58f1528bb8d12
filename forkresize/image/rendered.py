"""One rendition as the bytes of a file, and how long it took."""

from msgspec import Struct

from forkresize.image.geometry.region import Dimensions


class Timings(Struct):
    """Wall time in seconds.

    Attributes:
        decode: of reading the header and decoding.
        resize: of all steps between decoding and encoding, of all renditions together.
        encode: of encoding this rendition.
    """

    decode: float = 0.0
    resize: float = 0.0
    encode: float = 0.0


class Rendered(Struct, frozen=True, kw_only=True):
    """One rendition as the bytes of a file.

    Attributes:
        rendition: its index in the recipe.
        data: the bytes.
        format: its name, for example ``webp``.
        media_type: its MIME type, for example ``image/webp``.
        size: width and height in pixels.
        source_size: width and height of the source in pixels, upright.
        source_format: name of the source's format.
        quality: the encoder's quality setting, 1 to 100; None if the format has none.
        ssim: the similarity that was reached, 0 to 1, if the recipe asks for one.
        warnings: remarks on a valid picture.
        timings: how long it took.
    """

    rendition: int
    data: bytes
    format: str
    media_type: str
    size: Dimensions
    source_size: Dimensions
    source_format: str
    quality: int | None = None
    ssim: float | None = None
    warnings: tuple[str, ...] = ()
    timings: Timings
