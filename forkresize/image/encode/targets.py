"""Searches for the quality, and then the size, with which a file meets a target. Encodes nothing itself."""

import io
from math import sqrt

from msgspec.structs import replace
from PIL import Image

from forkresize.image.analyze.ssim import ssim
from forkresize.image.encode.encoder import Encoded, Encoder
from forkresize.image.errors import PictureError
from forkresize.image.frames import Frames
from forkresize.image.resample.kernel import resample
from forkresize.outcome import Reason
from forkresize.recipe import Resample

_LOWEST, _HIGHEST = 1, 100

_FLOOR = 20
"""The quality below which blocks and bands show more than the loss of detail in a smaller picture does."""

_CLOSE_ENOUGH = 0.97
"""How much of the bytes that are allowed has to be used for the search for a size to end early."""

_STEPS = 6
"""How many sizes are tried after the first that is small enough."""

_HEAD = 3
"""Frames of an animation that are searched with: an AVIF's first is encoded in another way alone and as one of two."""


def encode_within(most: int, encoder: Encoder, frames: Frames, quality: int | None) -> Encoded:
    """Return the file with the highest quality that has no more bytes than allowed; a smaller picture if none has.

    Args:
        most: bytes that there may be.
        encoder: encodes at one quality.
        frames: the pictures at their full size.
        quality: the highest to try; None where the format has none, so that the size alone is searched.

    Raises:
        PictureError: even a single pixel has more bytes.
    """
    encoded = encoder.encode(frames, quality)
    if len(encoded.data) <= most:
        return encoded
    if quality is not None and quality > _FLOOR:
        encoded = encoder.encode(frames, _FLOOR)
        if len(encoded.data) <= most:
            return _better(encoded, most, encoder, frames, quality)
    return _smaller(encoded, most, encoder, frames)


def encode_to_ssim(target: float, encoder: Encoder, frames: Frames) -> Encoded:
    """Return the file with the lowest quality whose first frame is as similar as asked to what it was made from.

    Args:
        target: the structural similarity asked for.
        encoder: encodes at one quality.
        frames: the pictures, of which the first decides.
    """
    head = replace(frames, images=frames.images[:_HEAD], durations=frames.durations[:_HEAD])
    low, high, best = _LOWEST, _HIGHEST, None
    while low < high:
        quality = (low + high) // 2
        tried = _measured(encoder, head, quality)
        if (tried.ssim or 0) >= target:
            high, best = quality, tried
        else:
            low = quality + 1
    if best is None or len(frames.images) > _HEAD:
        best = _measured(encoder, frames, high)
    # What comes later may still weigh in on how the first frame is encoded.
    while (best.ssim or 0) < target and high < _HIGHEST:
        high += 1
        best = _measured(encoder, frames, high)
    if (best.ssim or 0) < target:
        frames.diagnostics.warn(f"the SSIM is {best.ssim:.4f} even at quality {high}, not {target:g}")
    return best


def _measured(encoder: Encoder, frames: Frames, quality: int) -> Encoded:
    encoded = encoder.encode(frames, quality)
    with Image.open(io.BytesIO(encoded.data), formats=[encoder.output.upper()]) as decoded:
        return replace(encoded, ssim=ssim(frames.images[0], decoded))


def _better(fitting: Encoded, most: int, encoder: Encoder, frames: Frames, quality: int) -> Encoded:
    """Return the best between the floor, which fits, and a quality that does not."""
    low, high = _FLOOR, quality
    while high - low > 1:
        middle = (low + high) // 2
        tried = encoder.encode(frames, middle)
        if len(tried.data) <= most:
            low, fitting = middle, tried
        else:
            high = middle
    return fitting


def _smaller(encoded: Encoded, most: int, encoder: Encoder, frames: Frames) -> Encoded:
    """Return the largest picture found that fits.

    Bytes go about with the area, so that the root of their ratio is the next guess; what a file holds besides pixels
    makes it a poor one near the end, so that it is held between what fitted and what did not.
    """
    low, high, steps, fitting = 0.0, 1.0, _STEPS, None
    scale = high
    while fitting is None or (steps > 0 and len(fitting.data) < _CLOSE_ENOUGH * most):
        scale = _between(low, high, scale * sqrt(most / len(encoded.data)))
        scaled = _scaled(frames, scale)
        encoded = encoder.encode(scaled, encoded.quality)
        if len(encoded.data) <= most:
            low, fitting = scale, encoded
        elif all(image.size == (1, 1) for image in scaled.images):
            raise PictureError(Reason.UNSUPPORTED, f"a single pixel as {encoder.output} has more than {most} bytes")
        else:
            high = scale
        steps -= fitting is not None
    return fitting


def _between(low: float, high: float, guess: float) -> float:
    """Return the guess, kept off both ends by a tenth of what is between them."""
    margin = (high - low) / 10
    return min(max(guess, low + margin), high - margin)


def _scaled(frames: Frames, scale: float) -> Frames:
    return replace(frames, images=tuple(_resized(image, scale) for image in frames.images))


def _resized(image: Image.Image, scale: float) -> Image.Image:
    width, height = (max(1, round(side * scale)) for side in image.size)
    return resample(image, (width, height), (0, 0, *image.size), Resample.LANCZOS)
