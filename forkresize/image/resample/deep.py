"""Resampling of images of 16 bits per channel, with premultiplied alpha."""

from collections.abc import Callable

from PIL import Image

from forkresize.image.arithmetic import evaluate
from forkresize.image.color.light import from_share, to_share
from forkresize.image.deep_image import DEEP_ALPHA, DeepImage

_Change = Callable[[Image.Image], Image.Image]

_INVISIBLE = 1 / 131_070
"""An opacity that becomes 0 when it is rounded to 16 bits."""


def resample_deep(
    image: DeepImage, resize: _Change, decode: _Change = to_share, encode: _Change = from_share
) -> DeepImage:
    """Resample in floating point, so that nothing is rounded or clipped between the passes.

    Args:
        image: of any mode.
        resize: resamples an image of mode F.
        decode: from a plane of mode I;16 to what is mixed, as mode F.
        encode: the reverse; clips what overshoots.
    """
    if image.mode not in DEEP_ALPHA:
        return image.map_planes(lambda plane: encode(resize(decode(plane))))
    *colors, alpha = image.planes
    opacity = to_share(alpha)
    resized = resize(opacity)
    mixed = (divide_light(resize(_multiply(decode(plane), opacity)), resized) for plane in colors)
    return DeepImage((*map(encode, mixed), from_share(resized)))


def _multiply(light: Image.Image, opacity: Image.Image) -> Image.Image:
    return evaluate(lambda of: of["light"] * of["opacity"], light=light, opacity=opacity)


def divide_light(counted: Image.Image, opacity: Image.Image) -> Image.Image:
    """Return colors that are multiplied by their opacity as they are; black where nothing is visible.

    Args:
        counted: light times opacity, of mode F.
        opacity: 0 to 1, of mode F.
    """
    return evaluate(
        lambda of: of["sum"] / of["max"](of["opacity"], _INVISIBLE) * (of["opacity"] >= _INVISIBLE),
        sum=counted,
        opacity=opacity,
    )
