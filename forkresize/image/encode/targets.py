"""Searches for the quality, and then the size, at which a file meets a target."""

import io
from collections.abc import Callable, Mapping
from functools import partial
from math import sqrt

from msgspec.structs import replace
from PIL import Image

from forkresize.image.analyze.color_ssim import color_similarity_to
from forkresize.image.analyze.ssim import ssim
from forkresize.image.decode.tolerant import open_image
from forkresize.image.encode.encoder import Encoded, Encoder
from forkresize.image.errors import PictureError
from forkresize.image.picture import Frames
from forkresize.image.resample.kernel import resample
from forkresize.outcome import Reason
from forkresize.recipe import Resample, SsimMetric

_LOWEST, _HIGHEST = 1, 100

_FLOOR = 20
"""Below this quality, blocks and bands are more visible than the loss of detail in a smaller picture."""

_CLOSE_ENOUGH = 0.97
"""The share of the allowed bytes at which the search for a size ends early."""

_STEPS = 6
"""How many sizes are tried after the first that fits."""

_Measure = Callable[[Image.Image], float]

MEASURES: Mapping[SsimMetric, Callable[[Image.Image], _Measure]] = {
    SsimMetric.COLOR: color_similarity_to,
    SsimMetric.LUMA: lambda reference: partial(ssim, reference),
}
"""What compares a picture with a reference, by metric."""

_HEAD = 3
"""Frames of an animation that the search uses: AVIF encodes a first frame differently if it is the only one."""


def encode_within(most: int, encoder: Encoder, frames: Frames, quality: int | None) -> Encoded:
    """Return the file with the highest quality that fits into a number of bytes; a smaller picture if none fits.

    Args:
        most: the allowed bytes.
        encoder: encodes at one quality.
        frames: the pictures at their full size.
        quality: the highest to try; None if the format has no quality, so that only the size is searched.

    Raises:
        PictureError: even a single pixel has more bytes.
    """
    encoded = encoder.encode(frames, quality)
    if len(encoded.data) <= most:
        return encoded
    if quality is not None and quality > _FLOOR:
        encoded = encoder.encode(frames, _FLOOR)
        if len(encoded.data) <= most:
            return _best_that_fits(encoded, most, encoder, frames, quality)
    return _largest_that_fits(encoded, most, encoder, frames)


def encode_to_similarity(target: float, encoder: Encoder, frames: Frames) -> Encoded:
    """Return the file with the lowest quality whose first frame is similar enough to the frame before encoding.

    Args:
        target: the similarity to reach.
        encoder: encodes at one quality.
        frames: the pictures; the first decides.
    """
    measure = MEASURES[encoder.rendition.ssim_metric](frames.images[0])
    head = replace(frames, images=frames.images[:_HEAD], durations=frames.durations[:_HEAD])
    low, high, best = _LOWEST, _HIGHEST, None
    while low < high:
        quality = (low + high) // 2
        tried = _encode_and_measure(encoder, head, quality, measure)
        if (tried.ssim or 0) >= target:
            high, best = quality, tried
        else:
            low = quality + 1
    if best is None or len(frames.images) > _HEAD:
        best = _encode_and_measure(encoder, frames, high, measure)
    # Later frames can still influence how the first is encoded.
    while (best.ssim or 0) < target and high < _HIGHEST:
        high += 1
        best = _encode_and_measure(encoder, frames, high, measure)
    if (best.ssim or 0) < target:
        frames.diagnostics.warn(f"the similarity is only {best.ssim:.4f} at quality {high}, not {target:g}")
    return best


def _encode_and_measure(encoder: Encoder, frames: Frames, quality: int, measure: _Measure) -> Encoded:
    encoded = encoder.encode(frames, quality)
    with open_image(io.BytesIO(encoded.data), [encoder.output.upper()]) as decoded:
        return replace(encoded, ssim=measure(decoded))


def _best_that_fits(fitting: Encoded, most: int, encoder: Encoder, frames: Frames, quality: int) -> Encoded:
    """Return the best file between the floor, which fits, and a quality that does not."""
    low, high = _FLOOR, quality
    while high - low > 1:
        middle = (low + high) // 2
        tried = encoder.encode(frames, middle)
        if len(tried.data) <= most:
            low, fitting = middle, tried
        else:
            high = middle
    return fitting


def _largest_that_fits(encoded: Encoded, most: int, encoder: Encoder, frames: Frames) -> Encoded:
    """Return the largest picture found that fits.

    Bytes are about proportional to the area, so the root of their ratio is the next guess. It is a poor one if much of
    the file is not pixels, so it is kept between the largest scale that fits and the smallest that does not.
    """
    low, high, steps, fitting = 0.0, 1.0, _STEPS, None
    scale = high
    while fitting is None or (steps > 0 and len(fitting.data) < _CLOSE_ENOUGH * most):
        scale = _between(low, high, scale * sqrt(most / len(encoded.data)))
        scaled = _scale(frames, scale)
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
    """Return the guess, at least a tenth of the interval away from both ends."""
    margin = (high - low) / 10
    return min(max(guess, low + margin), high - margin)


def _scale(frames: Frames, scale: float) -> Frames:
    return replace(frames, images=tuple(_resize(image, scale) for image in frames.images))


def _resize(image: Image.Image, scale: float) -> Image.Image:
    width, height = (max(1, round(side * scale)) for side in image.size)
    return resample(image, (width, height), (0, 0, *image.size), Resample.LANCZOS)
