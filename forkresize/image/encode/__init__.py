"""From pixels to the bytes of a file. Writes nothing and changes no color without need."""

from collections.abc import Mapping
from typing import Any

from forkresize.formats import OUTPUT_FORMATS
from forkresize.image.encode.encoder import Encoded, Encoder
from forkresize.image.encode.prepare import prepare
from forkresize.image.errors import PictureError
from forkresize.image.picture import Frames
from forkresize.outcome import Reason
from forkresize.recipe import MAX_COLORS, Rendition

__all__ = ["Encoded", "encode"]


def encode(frames: Frames, output: str, rendition: Rendition, embedded: Mapping[str, Any]) -> Encoded:
    """Return the output's bytes.

    Args:
        frames: the pictures, no more than the format holds.
        output: the format's name.
        rendition: how well to encode.
        embedded: metadata and profile, as keyword arguments of Pillow's ``Image.save``.

    Raises:
        PictureError: the format can't hold a picture of this size, no picture is small enough for the allowed bytes, or
            the encoder failed.
    """
    frames = prepare(frames, output, rendition)
    encoder = Encoder(output=output, rendition=rendition, embedded=embedded)
    for loss in OUTPUT_FORMATS[output].losses(encoder.request(frames, None)):
        frames.diagnostics.warn(loss)
    _warn_of_palette(frames, encoder)
    try:
        return _encode(frames, encoder)
    except (MemoryError, PictureError):
        raise
    except Exception as error:
        raise PictureError(Reason.UNSUPPORTED, f"can't be encoded as {output}: {error}") from error


def _encode(frames: Frames, encoder: Encoder) -> Encoded:
    rendition = encoder.rendition
    quality = rendition.quality_for(encoder.output)
    if rendition.max_bytes is not None:
        from forkresize.image.encode.targets import encode_within

        return encode_within(rendition.max_bytes, encoder, frames, quality)
    if rendition.ssim is not None and quality is not None:
        from forkresize.image.encode.targets import encode_to_similarity

        return encode_to_similarity(rendition.ssim, encoder, frames)
    return encoder.encode(frames, quality)


def _warn_of_palette(frames: Frames, encoder: Encoder) -> None:
    """Warn of what a format loses that has a palette only, unless a palette was asked for."""
    spec = OUTPUT_FORMATS[encoder.output]
    if not spec.palette_only or encoder.rendition.palette:
        return
    # Few outputs have a palette.
    from forkresize.image.encode.palette import has_more_colors, is_translucent

    if not spec.palette_alpha and any(map(is_translucent, frames.images)):
        frames.diagnostics.warn("transparency was reduced to all or nothing: the format has no more")
    if has_more_colors(frames.images, MAX_COLORS):
        frames.diagnostics.warn("reduced to 256 colors: the format holds no more")
