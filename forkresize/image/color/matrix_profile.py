"""Reads ICC profiles that are a curve for each channel and a matrix. Converts no pixel."""

import struct
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from msgspec import Struct

from forkresize.image.color import icc

Curve = Callable[[float], float]
"""From a value to linear light, 0 to 1 each."""

_TABLES = frozenset({b"A2B0", b"A2B1", b"A2B2", b"D2B0", b"D2B1", b"D2B2", b"D2B3"})
"""Tags that take precedence over the matrix (ICC.1:2022, 8.10.2)."""

_HEADER, _ENTRY = 128, 12
_SPACES = slice(16, 24)
_MAX_TAGS = 100

_ONE = 65_536
_WHITE = 65_535
_GAMMA_ONE = 256

_PARAMETERS: Mapping[int, int] = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}
"""The number of parameters of parametric curves, by the type of their function (ICC.1:2022, 10.18)."""


class MatrixProfile(Struct, frozen=True):
    """A color space of RGB.

    Attributes:
        curves: those of red, green and blue.
        matrix: from linear light to XYZ with the white of D50.
    """

    curves: tuple[Curve, Curve, Curve]
    matrix: icc.Matrix


def parse_matrix_profile(profile: bytes) -> MatrixProfile | None:
    """Return what a profile for RGB says; None if it is for something else, has tables, or is damaged."""
    try:
        tags = _read_tags(profile)
        if profile[_SPACES] != b"RGB XYZ " or tags.keys() & _TABLES:
            return None
        red, green, blue = (_read_curve(tags[name]) for name in (b"rTRC", b"gTRC", b"bTRC"))
        columns = tuple(_read_xyz(tags[name]) for name in (b"rXYZ", b"gXYZ", b"bXYZ"))
    except (KeyError, ValueError, IndexError, struct.error, OverflowError, ZeroDivisionError):
        return None
    first, second, third = zip(*columns, strict=True)
    return MatrixProfile((red, green, blue), (first, second, third))


def _read_tags(profile: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", profile, _HEADER)
    tags = {}
    for number in range(min(count, _MAX_TAGS)):
        name, start, length = struct.unpack_from(">4sII", profile, _HEADER + 4 + number * _ENTRY)
        tags[name] = profile[start : start + length]
    return tags


def _read_xyz(tag: bytes) -> icc.Vector:
    x, y, z = struct.unpack_from(">3i", tag, 8)
    return x / _ONE, y / _ONE, z / _ONE


def _read_curve(tag: bytes) -> Curve:
    """Return a curve of type curv or para (ICC.1:2022, 10.6 and 10.18).

    Raises:
        KeyError: it is of another type.
        struct.error: it is too short.
    """
    if tag[:4] == b"para":
        (function,) = struct.unpack_from(">H", tag, 8)
        count = _PARAMETERS[function]
        return _parametric(function, [number / _ONE for number in struct.unpack_from(f">{count}i", tag, 12)])
    if tag[:4] != b"curv":
        raise KeyError(tag[:4])
    (count,) = struct.unpack_from(">I", tag, 8)
    numbers = struct.unpack_from(f">{count}H", tag, 12)
    if count == 0:
        return lambda value: value
    if count == 1:
        gamma = numbers[0] / _GAMMA_ONE
        return lambda value: value**gamma
    return _interpolate([number / _WHITE for number in numbers])


def _interpolate(lights: Sequence[float]) -> Curve:
    steps, last = list(pairwise(lights)), len(lights) - 1

    def curve(value: float) -> float:
        place = min(int(value * last), last - 1)
        low, high = steps[place]
        return low + (high - low) * (value * last - place)

    return curve


def _parametric(function: int, numbers: Sequence[float]) -> Curve:
    """Return ``(a * x + b) ** g + e`` from ``d`` on and ``c * x + f`` below; simpler functions leave out numbers."""
    g, a, b, c, d, e, f = 1.0, 1.0, 0.0, 0.0, -1.0, 0.0, 0.0
    match function, *numbers:
        case 0, g:
            pass
        case 1, g, a, b:
            d = -b / a
        case 2, g, a, b, e:
            c, d, f = 0.0, -b / a, e
        case 3, g, a, b, c, d:
            pass
        case _, g, a, b, c, d, e, f:
            pass
    return lambda value: _power(max(a * value + b, 0.0), g) + e if value >= d else c * value + f


def _power(base: float, exponent: float) -> float:
    try:
        return float(base**exponent)
    except (OverflowError, ZeroDivisionError):
        # Brighter than white, as only damaged profiles are.
        return 1.0
