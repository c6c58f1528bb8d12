"""Resampling in linear light: pixels are mixed as light is."""

from collections.abc import Callable
from functools import cache

from PIL import Image

from forkresize.image.arithmetic import evaluate
from forkresize.image.color import srgb
from forkresize.image.color.light import decode_srgb, encode_srgb
from forkresize.image.deep_image import DeepImage
from forkresize.image.geometry.region import Dimensions
from forkresize.image.resample import kernel
from forkresize.image.resample.deep import resample_deep
from forkresize.recipe import Resample

_WHITE = 65535
"""White in linear light. The smallest difference between two levels of 8 bits is 19."""

_Resize = Callable[[Image.Image], Image.Image]


def resample_linear(
    image: Image.Image, size: Dimensions, box: kernel.Box, resample: Resample, *, rows_first: bool = True
) -> Image.Image:
    """Resample a part of an image in linear light.

    The values count as sRGB: with ``C`` from 0 to 1 as stored, the light is ``C / 12.92`` up to 0.04045 and
    ``((C + 0.055) / 1.055) ** 2.4`` above (IEC 61966-2-1:1999, 5.2). Alpha is linear already.

    Args:
        image: of mode L, LA, RGB or RGBA, or of 16 bits per channel. The values of other modes are mixed as they are.
        size: width and height of the result.
        box: the part; it may cut through pixels.
        resample: the kernel.
        rows_first: see ``kernel.resample``.
    """

    def resize(band: Image.Image) -> Image.Image:
        return kernel.resample(band, size, box, resample, rows_first=rows_first)

    if isinstance(image, DeepImage):
        return resample_deep(image, resize, decode_srgb, encode_srgb)
    match image.mode:
        case "L" | "RGB":
            return _join(image.mode, [resize(_to_linear(band)) for band in image.split()])
        case "LA" | "RGBA":
            return _resample_with_alpha(image, resize)
        case "I;16":
            return encode_srgb(resize(decode_srgb(image)))
    return resize(image)


def _resample_with_alpha(image: Image.Image, resize: _Resize) -> Image.Image:
    *colors, alpha = image.split()
    opacity = alpha.point([level / 255 for level in range(256)], "F")
    resized = resize(opacity)
    lights = []
    for color in colors:
        counted = evaluate(lambda of: of["light"] * of["opacity"], light=_to_linear(color), opacity=opacity)
        lights.append(evaluate(lambda of: of["sum"] / of["opacity"], sum=resize(counted), opacity=resized))
    return _join(image.mode, lights, evaluate(lambda of: of["opacity"] * 255 + 0.5, opacity=resized).convert("L"))


def _to_linear(band: Image.Image) -> Image.Image:
    return band.point(_lights(), "F")


def _join(mode: str, lights: list[Image.Image], *alpha: Image.Image) -> Image.Image:
    """Encode the light of all bands as sRGB at once: Pillow takes long to convert a table from a list."""
    width, height = lights[0].size
    stacked = Image.new("F", (width, height * len(lights)))
    for number, light in enumerate(lights):
        stacked.paste(light, (0, height * number))
    coded = stacked.convert("I").point(_codes(), "L")
    bands = [coded.crop((0, height * number, width, height * (number + 1))) for number in range(len(lights))]
    return Image.merge(mode, (*bands, *alpha)) if mode != "L" else coded


@cache
def _lights() -> list[float]:
    """Return the light of the 256 levels."""
    return [srgb.to_light(level / 255) * _WHITE for level in range(256)]


@cache
def _codes() -> list[int]:
    """Return the nearest level for each amount of light, whose fraction was cut off."""
    return [round(srgb.to_value(min((light + 0.5) / _WHITE, 1)) * 255) for light in range(_WHITE + 1)]
