"""What encoding ends in. Holds no pixels."""

from msgspec import Struct


class Encoded(Struct, frozen=True, kw_only=True):
    """The bytes of a file.

    Attributes:
        data: the bytes.
        size: width and height of the first frame in pixels; a limit of bytes may have made it smaller.
        quality: what was asked of the encoder in the end; None where it has none or is lossless.
        ssim: the structural similarity that was reached, where it was a target.
    """

    data: bytes
    size: tuple[int, int]
    quality: int | None
    ssim: float | None = None
