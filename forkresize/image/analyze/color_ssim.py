"""A similarity of two pictures that sees color, computed with Pillow alone."""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from PIL import Image

from forkresize.image.analyze.ssim import mean, window_means
from forkresize.image.arithmetic import evaluate
from forkresize.image.color.alpha import has_alpha
from forkresize.image.color.srgb import to_light

# How cones see linear light (JPEG XL, ISO/IEC 18181-1, annex L.2; libjxl's opsin_params.h).
_LONG, _MEDIUM = (0.3, 0.622, 0.078), (0.23, 0.692, 0.078)
_SHORT = 0.24342268924547819, 0.20476744424496821, 0.5518098665095536
_BIAS = 0.0037930732552754493

_C2 = 0.0009
"""The constant of the contrast term for values from 0 to 1, as in SSIMULACRA2."""

_COARSER = 4
"""How much the second scale is reduced."""

_FINE = 0.157, 0.039, 0.031
_COARSE = 1.965, 0.0, 0.629
"""Weights of lightness, red against green, and blue against yellow, at both scales.

Fitted to SSIMULACRA2 on photographs as JPEG, WebP and AVIF at several qualities; divided so that the result is on the
scale of the structural similarity of the luma. See ``benchmarks/README.md``.
"""

_GRAY = 128

_Planes = tuple[Image.Image, Image.Image, Image.Image]


def color_similarity_to(reference: Image.Image) -> Callable[[Image.Image], float]:
    """Return a function that compares a picture of the same size and mode with a reference: 1 is equal.

    Differences are measured in the colors of JPEG XL's XYB, in windows of 8 by 8 pixels that overlap by half, at two
    scales. The fourth power of each window's difference counts, so that visible ones are not hidden by many that are
    not. Transparent pixels are composited on gray.

    References:
        Sneyers: SSIMULACRA 2, github.com/cloudinary/ssimulacra2, whose error map and norm it uses.
    """
    own = tuple(_scales(reference))

    def compare(other: Image.Image) -> float:
        pairs = zip(own, _scales(other), (_FINE, _COARSE), strict=True)
        return 1 - sum(_difference(one, another, weights) for one, another, weights in pairs)

    return compare


def _scales(image: Image.Image) -> Iterable[_Planes]:
    planes = _to_opponent_colors(image)
    yield planes
    lightness, red, blue = (plane.reduce(_COARSER) for plane in planes)
    yield lightness, red, blue


def _to_opponent_colors(image: Image.Image) -> _Planes:
    """Return lightness, red against green, and blue against yellow, each about 0 to 1, in mode F."""
    if has_alpha(image):
        backdrop = Image.new("RGB", image.size, (_GRAY,) * 3)
        backdrop.paste(image.convert("RGB"), mask=image.getchannel("A"))
        image = backdrop
    light = dict(
        zip("rgb", (band.point(_light_of_levels(), "F") for band in image.convert("RGB").split()), strict=True)
    )
    cones = dict(zip("lms", (_cone(light, weights) for weights in (_LONG, _MEDIUM, _SHORT)), strict=True))
    dark = _BIAS ** (1 / 3)
    # Offsets and factors bring all to the range of lightness, as SSIMULACRA2 does.
    lightness = evaluate(lambda seen: (seen["l"] + seen["m"]) * 0.5 + (0.01 - dark), **cones)
    red = evaluate(lambda seen: (seen["l"] - seen["m"]) * 7.0 + 0.42, **cones)
    blue = evaluate(lambda seen: seen["s"] - (seen["l"] + seen["m"]) * 0.5 + 0.55, **cones)
    return lightness, red, blue


@cache
def _light_of_levels() -> list[float]:
    return [to_light(level / 255) for level in range(256)]


def _cone(light: dict[str, Image.Image], weights: tuple[float, float, float]) -> Image.Image:
    red, green, blue = weights
    return evaluate(lambda seen: (seen["r"] * red + seen["g"] * green + seen["b"] * blue + _BIAS) ** (1 / 3), **light)


def _difference(one: _Planes, other: _Planes, weights: tuple[float, float, float]) -> float:
    return sum(weight * _norm(_error(own, its)) for own, its, weight in zip(one, other, weights, strict=True) if weight)


def _norm(errors: Image.Image) -> float:
    return float(max(0.0, mean(evaluate(lambda seen: seen["e"] ** 4, e=errors))) ** 0.25)


def _error(one: Image.Image, other: Image.Image) -> Image.Image:
    """Return for each window how different two planes are: in the mean, and in structure and contrast."""

    def moment(first: Image.Image, second: Image.Image) -> Image.Image:
        return window_means(evaluate(lambda seen: seen["a"] * seen["b"], a=first, b=second))

    moments = {"xx": moment(one, one), "yy": moment(other, other), "xy": moment(one, other)}
    return evaluate(_combine, x=window_means(one), y=window_means(other), **moments)


def _combine(means: dict[str, Any]) -> Any:
    x, y = means["x"], means["y"]
    covariance, variances = means["xy"] - x * y, means["xx"] - x * x + means["yy"] - y * y
    return 1 - (1 - (x - y) * (x - y)) * (2 * covariance + _C2) / (variances + _C2)
