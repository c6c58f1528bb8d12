"""From pixels to the bytes of a file. Writes nothing and changes no color it need not."""

from collections.abc import Mapping
from typing import Any

from forkresize.image.encode.encoded import Encoded
from forkresize.image.encode.encoder import Encoder
from forkresize.image.encode.prepare import prepare
from forkresize.image.encode.targets import encode_to_ssim, encode_within
from forkresize.image.errors import PictureError
from forkresize.image.frames import Frames
from forkresize.outcome import Reason
from forkresize.recipe import Format, Rendition, Subsampling

__all__ = ["Encoded", "encode"]


def encode(frames: Frames, output: str, rendition: Rendition, embedded: Mapping[str, Any]) -> Encoded:
    """Return the output's bytes.

    Args:
        frames: the pictures, no more than the format holds.
        output: the format, in Pillow's lower-case name.
        rendition: how well to encode.
        embedded: what carries metadata and profile, as keyword arguments of Pillow's ``Image.save``.

    Raises:
        PictureError: the format can't hold a picture of this size, no picture is small enough for the bytes that are
            allowed, or the encoder gave up.
    """
    frames = prepare(frames, output, rendition)
    _tell_what_is_not_kept(frames, output, rendition)
    try:
        return _encoded(frames, Encoder(output=output, rendition=rendition, embedded=embedded))
    except (MemoryError, PictureError):
        raise
    except Exception as error:
        raise PictureError(Reason.UNSUPPORTED, f"can't be encoded as {output}: {error}") from error


def _encoded(frames: Frames, encoder: Encoder) -> Encoded:
    rendition = encoder.rendition
    quality = rendition.quality_for(encoder.output)
    if rendition.max_bytes is not None:
        return encode_within(rendition.max_bytes, encoder, frames, quality)
    if rendition.ssim is not None and quality is not None:
        return encode_to_ssim(rendition.ssim, encoder, frames)
    return Encoded(data=encoder(frames, quality), size=frames.images[0].size, quality=quality)


def _tell_what_is_not_kept(frames: Frames, output: str, rendition: Rendition) -> None:
    subsampling, colored = rendition.subsampling, frames.images[0].mode != "L"
    if output == Format.WEBP and not rendition.lossless and subsampling in {Subsampling.FULL, Subsampling.HALF}:
        frames.diagnostics.warn(f"WebP stores colors at a quarter of the resolution, not {subsampling}")
    if output == Format.AVIF and rendition.lossless and colored:
        frames.diagnostics.warn("AVIF stores colors in other terms, so that levels may be off by up to 3")
    if output == Format.AVIF and frames.durations and frames.loop != 0:
        frames.diagnostics.warn("an AVIF can't be told how often to play, and plays for ever")
