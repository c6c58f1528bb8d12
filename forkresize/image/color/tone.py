"""Tone mapping: what of HDR is shown on a display of standard range. Knows no file format and converts no pixel."""

from collections.abc import Callable

REFERENCE_WHITE = 203
"""The luminance of HDR that is as bright as paper, in candelas per square meter (ITU-R BT.2408)."""

USUAL_PEAK = 1000
"""The peak of a picture whose file does not have it: that of most displays on which HDR is graded."""

_HIGHEST = 10_000
"""The luminance of PQ's highest value."""

# ITU-R BT.2100, table 4.
_M1, _M2 = 2610 / 16_384, 2523 / 32
_C1, _C2, _C3 = 107 / 128, 2413 / 128, 2392 / 128


def decode_pq(value: float) -> float:
    """Return candelas per square meter of a value of PQ, 0 to 1 (ITU-R BT.2100, table 4)."""
    root = value ** (1 / _M2)
    return float(_HIGHEST * (max(root - _C1, 0) / (_C2 - _C3 * root)) ** (1 / _M1))


def encode_pq(light: float) -> float:
    """Return the value of PQ, 0 to 1, for candelas per square meter: the inverse of ``decode_pq``."""
    power = (light / _HIGHEST) ** _M1
    return float(((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2)


def roll_off(peak: float) -> Callable[[float], float]:
    """Return a function from light to the share of white, 0 to 1, that shows it.

    Shadows and midtones stay as they are relative to the reference white; brighter light is compressed, so that the
    peak becomes white (ITU-R BT.2390-8, 5.4.1, with black at zero).

    Args:
        peak: the brightest light in candelas per square meter. What is brighter is white.
    """
    if peak <= REFERENCE_WHITE:
        return lambda light: min(light / REFERENCE_WHITE, 1)
    highest = encode_pq(peak)
    target = encode_pq(REFERENCE_WHITE) / highest
    knee = 1.5 * target - 0.5

    def show(light: float) -> float:
        value = encode_pq(min(light, peak)) / highest
        if value > knee:
            value = _spline((value - knee) / (1 - knee), knee, target)
        return min(decode_pq(value * highest) / REFERENCE_WHITE, 1)

    return show


def _spline(t: float, knee: float, target: float) -> float:
    """Return the Hermite spline from the knee, where its slope is one, to the target, where it is flat."""
    start = (2 * t**3 - 3 * t**2 + 1) * knee
    slope = (t**3 - 2 * t**2 + t) * (1 - knee)
    return start + slope + (3 * t**2 - 2 * t**3) * target
