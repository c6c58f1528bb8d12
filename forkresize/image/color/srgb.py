"""The transfer function of sRGB (IEC 61966-2-1:1999, 5.2): from values to linear light and back, 0 to 1 each."""

GAMMA, OFFSET, SLOPE = 2.4, 0.055, 12.92

KNEE, DARK = 0.04045, 0.0031308
"""Up to this value, and this light, the curve is a line."""


def to_light(value: float) -> float:
    """Return the linear light of a value."""
    return value / SLOPE if value <= KNEE else ((value + OFFSET) / (1 + OFFSET)) ** GAMMA


def to_value(light: float) -> float:
    """Return the value of an amount of linear light."""
    return light * SLOPE if light <= DARK else (1 + OFFSET) * light ** (1 / GAMMA) - OFFSET
