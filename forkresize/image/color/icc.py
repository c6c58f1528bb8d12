"""Builds ICC profiles from primaries and curves. Reads no file and converts no pixel."""

import struct
from collections.abc import Mapping, Sequence

Point = tuple[float, float]
"""A chromaticity, x and y of CIE 1931."""

Primaries = tuple[Point, Point, Point, Point]
"""Red, green, blue and white."""

Vector = tuple[float, float, float]
Matrix = tuple[Vector, Vector, Vector]

_D50: Vector = (0.9642, 1.0, 0.8249)
"""The white of the profile connection space (ICC.1:2022, 7.2.16)."""

_BRADFORD: Matrix = ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))
"""From XYZ to the cone responses that Bradford's adaptation scales (ICC.1:2022, annex E)."""

_VERSION = 0x04300000
_ONE = 65536
_TAG_BYTES = 12
_HEADER_BYTES = 128
_FLAG_AND_IDS = 28


def color_profile(primaries: Primaries, curve: bytes, name: str = "Built from numbers") -> bytes:
    """Return a profile for RGB.

    Args:
        primaries: of the color space.
        curve: from value to light, from ``power``, ``parametric`` or ``sample_curve``.
        name: what programs show.
    """
    *points, white = primaries
    adaptation = _adaptation(_xyz(white))
    colorants = zip("rgb", _transpose(multiply(adaptation, _colorants(points, _xyz(white)))), strict=True)
    tags = {f"{channel}XYZ".encode(): _numbers(b"XYZ ", colorant) for channel, colorant in colorants}
    tags |= {b"chad": _numbers(b"sf32", [value for row in adaptation for value in row])}
    return _profile(b"RGB ", tags | {f"{channel}TRC".encode(): curve for channel in "rgb"}, name)


def gray_profile(curve: bytes) -> bytes:
    """Return a profile for gray; see ``color_profile``."""
    return _profile(b"GRAY", {b"kTRC": curve})


def power(gamma: float) -> bytes:
    """Return the curve ``light = value ** gamma``."""
    return _numbers(b"para", (gamma,), bytes(4))


def parametric(gamma: float, slope: float, offset: float, line: float, knee: float) -> bytes:
    """Return the curve ``(slope * value + offset) ** gamma`` from ``knee`` on, and ``line * value`` below."""
    return _numbers(b"para", (gamma, slope, offset, line, knee), struct.pack(">HH", 3, 0))


def sample_curve(lights: Sequence[float]) -> bytes:
    """Return the curve through equidistant points, 0 to 1 each."""
    return b"curv\0\0\0\0" + struct.pack(f">I{len(lights)}H", len(lights), *(round(65535 * light) for light in lights))


def _colorants(points: Sequence[Point], white: Vector) -> Matrix:
    """Return the matrix from RGB to XYZ, with columns scaled so that their sum is white (SMPTE RP 177)."""
    columns = _transpose((_xyz(points[0]), _xyz(points[1]), _xyz(points[2])))
    amounts = _apply(invert(columns), white)
    return multiply(columns, ((amounts[0], 0, 0), (0, amounts[1], 0), (0, 0, amounts[2])))


def _adaptation(white: Vector) -> Matrix:
    """Return the matrix that adapts colors from a white point to D50."""
    have, want = _apply(_BRADFORD, white), _apply(_BRADFORD, _D50)
    first, second, third = (wanted / had for wanted, had in zip(want, have, strict=True))
    return multiply(invert(_BRADFORD), multiply(((first, 0, 0), (0, second, 0), (0, 0, third)), _BRADFORD))


def _xyz(point: Point) -> Vector:
    x, y = point
    return x / y, 1.0, (1 - x - y) / y


def _apply(matrix: Matrix, vector: Vector) -> Vector:
    first, second, third = (sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)
    return first, second, third


def multiply(one: Matrix, other: Matrix) -> Matrix:
    """Return the matrix that does what ``other`` does, and then what ``one`` does."""
    first, second, third = _transpose(other)
    return _transpose((_apply(one, first), _apply(one, second), _apply(one, third)))


def _transpose(matrix: Matrix) -> Matrix:
    first, second, third = zip(*matrix, strict=True)
    return first, second, third


def invert(matrix: Matrix) -> Matrix:
    """Return the inverse by cofactors.

    Raises:
        ZeroDivisionError: there is none.
    """
    one, two, three = matrix
    cofactors = (_cross(two, three), _cross(three, one), _cross(one, two))
    determinant = sum(a * b for a, b in zip(one, cofactors[0], strict=True))
    first, second, third = _transpose(cofactors)
    return _scale(first, 1 / determinant), _scale(second, 1 / determinant), _scale(third, 1 / determinant)


def _scale(vector: Vector, by: float) -> Vector:
    return vector[0] * by, vector[1] * by, vector[2] * by


def _cross(one: Vector, other: Vector) -> Vector:
    (a, b, c), (d, e, f) = one, other
    return b * f - c * e, c * d - a * f, a * e - b * d


def _numbers(kind: bytes, values: Sequence[float], header: bytes = b"") -> bytes:
    """Return a tag of s15Fixed16Numbers.

    Raises:
        struct.error: a value is out of their range.
    """
    return kind + bytes(4) + header + struct.pack(f">{len(values)}i", *(round(value * _ONE) for value in values))


def _text(text: str) -> bytes:
    coded = text.encode("utf-16-be")
    return b"mluc\0\0\0\0" + struct.pack(">II4sII", 1, _TAG_BYTES, b"enUS", len(coded), 28) + coded


def _profile(space: bytes, tags: Mapping[bytes, bytes], name: str = "Built from numbers") -> bytes:
    """Return a display profile (ICC.1:2022, 7); equal tags share their data."""
    tags = {b"desc": _text(name), b"cprt": _text("CC0"), b"wtpt": _numbers(b"XYZ ", _D50), **tags}
    start = _HEADER_BYTES + 4 + _TAG_BYTES * len(tags)
    data, places = b"", dict[bytes, int]()
    for body in tags.values():
        if body not in places:
            places[body] = start + len(data)
            data += body + bytes(-len(body) % 4)
    table = b"".join(struct.pack(">4sII", tag, places[body], len(body)) for tag, body in tags.items())
    size = struct.pack(">I", start + len(data))
    kinds = struct.pack(">I4s4s4s", _VERSION, b"mntr", space, b"XYZ ")
    white = _numbers(b"", _D50)[4:]
    header = size + bytes(4) + kinds + bytes(12) + b"acsp" + bytes(_FLAG_AND_IDS) + white
    return header.ljust(_HEADER_BYTES, b"\0") + struct.pack(">I", len(tags)) + table + data
