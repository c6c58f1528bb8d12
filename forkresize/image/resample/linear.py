"""Resampling in linear light, where mixing two colors is what mixing their light is. Knows no kernel of its own."""

from collections.abc import Callable
from functools import cache
from typing import Any

from PIL import Image, ImageMath

from forkresize.image.color import srgb
from forkresize.image.geometry.region import Dimensions
from forkresize.image.resample import kernel
from forkresize.recipe import Resample

_WHITE = 65535
"""What white comes to in linear light. Two levels of 8 bits are never less than 19 of this apart."""

_Resize = Callable[[Image.Image], Image.Image]


def resample_linear(
    image: Image.Image, size: Dimensions, box: kernel.Box, resample: Resample, *, rows_first: bool = True
) -> Image.Image:
    """Return a part of an image at another size, its pixels mixed as light is.

    The values are taken for sRGB: with ``C`` from 0 to 1 as stored, the light is ``C / 12.92`` up to 0.04045 and
    ``((C + 0.055) / 1.055) ** 2.4`` above (IEC 61966-2-1:1999, 5.2). Alpha is a share of area, and linear as it is.

    Args:
        image: an image of mode L, LA, RGB, RGBA or I;16. Of other modes, the values are mixed as they are.
        size: the width and height wanted.
        box: the part; need not lie on pixel borders.
        resample: the kernel.
        rows_first: as for the kernel; here the order hardly shows, but mirrored input need not give mirrored output to
            the bit.
    """

    def resize(band: Image.Image) -> Image.Image:
        return kernel.resample(band, size, box, resample, rows_first=rows_first)

    match image.mode:
        case "L" | "RGB":
            return _joined(image.mode, [resize(_to_linear(band)) for band in image.split()])
        case "LA" | "RGBA":
            return _translucent(image, resize)
        case "I;16":
            return _to_srgb16(resize(_light_of_deep(image)))
    return resize(image)


def _translucent(image: Image.Image, resize: _Resize) -> Image.Image:
    *colors, alpha = image.split()
    opacity = alpha.point([level / 255 for level in range(256)], "F")
    resized = resize(opacity)
    lights = []
    for color in colors:
        counted = _evaluated(lambda of: of["light"] * of["opacity"], light=_to_linear(color), opacity=opacity)
        lights.append(_evaluated(lambda of: of["sum"] / of["opacity"], sum=resize(counted), opacity=resized))
    return _joined(image.mode, lights, _evaluated(lambda of: of["opacity"] * 255 + 0.5, opacity=resized).convert("L"))


def _to_linear(band: Image.Image) -> Image.Image:
    return band.point(_lights(), "F")


def _joined(mode: str, lights: list[Image.Image], *alpha: Image.Image) -> Image.Image:
    """Code the light of each band as sRGB, of all at once: Pillow takes a while to make a table out of a list."""
    width, height = lights[0].size
    stacked = Image.new("F", (width, height * len(lights)))
    for number, light in enumerate(lights):
        stacked.paste(light, (0, height * number))
    coded = stacked.convert("I").point(_codes(), "L")
    bands = [coded.crop((0, height * number, width, height * (number + 1))) for number in range(len(lights))]
    return Image.merge(mode, (*bands, *alpha)) if mode != "L" else coded


def _light_of_deep(image: Image.Image) -> Image.Image:
    return _evaluated(
        lambda of: (
            of["code"] / srgb.SLOPE * (of["code"] <= srgb.KNEE)
            + ((of["code"] + srgb.OFFSET) / (1 + srgb.OFFSET)) ** srgb.GAMMA * (of["code"] > srgb.KNEE)
        ),
        code=_evaluated(lambda of: of["deep"] / _WHITE, deep=image.convert("F")),
    )


def _to_srgb16(light: Image.Image) -> Image.Image:
    """Code light from 0 to 1, and what is beside by overshooting, as sRGB with 16 bits."""
    code = _evaluated(
        lambda of: (
            of["light"] * srgb.SLOPE * (of["light"] <= srgb.DARK)
            + (of["max"](of["light"], srgb.DARK) ** (1 / srgb.GAMMA) * (1 + srgb.OFFSET) - srgb.OFFSET)
            * (of["light"] > srgb.DARK)
        ),
        light=light,
    )
    whole = _evaluated(lambda of: of["min"](of["max"](of["code"], 0), 1) * _WHITE + 0.5, code=code)
    return whole.convert("I").convert("I;16")


def _evaluated(formula: Callable[[dict[str, Any]], Any], **images: Image.Image) -> Image.Image:
    result: Image.Image = ImageMath.lambda_eval(formula, **images)
    return result


@cache
def _lights() -> list[float]:
    """Return the light of each of the 256 levels."""
    return [srgb.to_light(level / 255) * _WHITE for level in range(256)]


@cache
def _codes() -> list[int]:
    """Return the level that each whole amount of light is nearest to; what follows the point was cut off."""
    return [round(srgb.to_value(min((light + 0.5) / _WHITE, 1)) * 255) for light in range(_WHITE + 1)]
