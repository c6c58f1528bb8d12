"""The size of an output by the documented formula, in integer arithmetic."""

from forkresize.recipe import Fit

Dimensions = tuple[int, int]
"""Width and height in pixels."""


def documented(source: Dimensions, box: Dimensions, fit: Fit, *, enlarge: bool) -> tuple[Dimensions, Dimensions]:
    """Return the scaled size of a picture and the size of the output, as ``layout`` documents them."""
    (width, height), (across, down) = source, box
    by_width, by_height = (across, width), (down, height)
    is_wider = across * height > down * width
    by, of = by_width if is_wider == (fit in {Fit.COVER, Fit.OUTSIDE}) else by_height
    if fit is Fit.FILL:
        scaled = box if enlarge else (min(across, width), min(down, height))
        return scaled, scaled
    if fit is Fit.COVER and (enlarge or by <= of):
        return box, box
    if fit is Fit.COVER:
        parts = (width, half_up(width * down, across)), (half_up(height * across, down), height)
        part = max((w * h, (w, h)) for w, h in parts if w <= width and h <= height)[1]
        return part, part
    if by > of and not enlarge:
        by = of
    scaled = half_up(width * by, of), half_up(height * by, of)
    return scaled, box if fit is Fit.CONTAIN else scaled


def half_up(numerator: int, denominator: int) -> int:
    """Return a ratio rounded to a whole number of pixels."""
    return max(1, (2 * numerator + denominator) // (2 * denominator))
