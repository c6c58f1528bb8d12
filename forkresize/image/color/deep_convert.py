"""Converts colors of 16 bits per channel by profiles with a matrix, which littleCMS as Pillow has it does not."""

from collections.abc import Sequence
from functools import lru_cache

from PIL.Image import Image

from forkresize.image.arithmetic import evaluate
from forkresize.image.color import icc
from forkresize.image.color.light import encode_srgb
from forkresize.image.color.matrix_profile import Curve, MatrixProfile, parse_matrix_profile
from forkresize.image.deep_image import DeepImage, split_bytes

_WHITE, _STEP = 65_535, 256

_CACHED = 16
"""Parsed profiles and their tables; the pictures of a folder have few."""


def convert_deep(image: DeepImage, profile: bytes, target: bytes) -> DeepImage | None:
    """Return an image in another color space; None if its profile has no matrix.

    Relative colorimetric: light is mixed by the matrices of both profiles, and clipped (ICC.1:2022, annex F.3). Black
    point compensation changes nothing, since the black of such profiles has no light.

    Args:
        image: of mode RGB;16 or RGBA;16; its alpha stays as it is.
        profile: that of the image.
        target: a profile with a matrix and with the curve of sRGB.
    """
    if _parse(profile) is None:
        return None
    lights = [_decode(plane, table) for plane, table in zip(image.planes[:3], _tables(profile), strict=True)]
    mixed = (_mix(lights, row) for row in _matrix(profile, target))
    return DeepImage((*map(encode_srgb, mixed), *image.planes[3:]))


@lru_cache(_CACHED)
def _parse(profile: bytes) -> MatrixProfile | None:
    return parse_matrix_profile(profile)


@lru_cache(_CACHED)
def _matrix(profile: bytes, target: bytes) -> icc.Matrix:
    """Return the matrix from the light of one profile to that of another."""
    source, wanted = _parse(profile), _parse(target)
    assert source  # noqa: S101 -- the caller parsed it.
    assert wanted  # noqa: S101 -- it was made here.
    return icc.multiply(icc.invert(wanted.matrix), source.matrix)


_Table = tuple[list[float], list[float], list[float]]


@lru_cache(_CACHED)
def _tables(profile: bytes) -> list[_Table]:
    source = _parse(profile)
    assert source  # noqa: S101 -- the caller parsed it.
    return [_tabulate(curve) for curve in source.curves]


def _tabulate(curve: Curve) -> _Table:
    """Return 256 parabolas through three points each, one for each upper byte: light, slope and bend."""
    bases, slopes, bends = [], [], []
    for start in range(0, _WHITE, _STEP):
        low, middle, high = (_clip(curve(min((start + step) / _WHITE, 1))) for step in (0, _STEP / 2, _STEP))
        length = min(_STEP, _WHITE - start)
        bend = 2 * (low - 2 * middle + high) / _STEP**2 if length == _STEP else 0.0
        bases.append(low)
        slopes.append((high - low) / length - bend * _STEP)
        bends.append(bend)
    return bases, slopes, bends


def _clip(light: float) -> float:
    return min(max(light, 0.0), 1.0)


def _decode(plane: Image, table: _Table) -> Image:
    low, high = split_bytes(plane)
    base, slope, bend = (high.point(numbers, "F") for numbers in table)
    return evaluate(
        lambda of: of["base"] + of["low"] * (of["slope"] + of["bend"] * of["low"]),
        base=base,
        slope=slope,
        bend=bend,
        low=low.convert("F"),
    )


def _mix(lights: Sequence[Image], row: icc.Vector) -> Image:
    red, green, blue = lights
    return evaluate(
        lambda of: of["red"] * row[0] + of["green"] * row[1] + of["blue"] * row[2], red=red, green=green, blue=blue
    )
