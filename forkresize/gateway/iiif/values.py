"""What the parts of an image request share: numbers, rounding, and the error for a part that is not valid."""

import re
from fractions import Fraction
from http import HTTPStatus

from forkresize.gateway.problem import Problem
from forkresize.recipe.declaration import format_value

PixelSize = tuple[int, int]
"""Width and height in pixels."""

INTEGER = r"[0-9]{1,18}"
DECIMAL = r"(?:[0-9]{1,18}(?:\.[0-9]{1,18})?|\.[0-9]{1,18})"
"""The Floating Point Values of the specification (4.7), also without a leading zero."""

PERCENT = Fraction(1, 100)


def match(pattern: str, text: str) -> re.Match[str] | None:
    """Return the match of a whole text."""
    return re.fullmatch(pattern, text)


def round_half_up(number: Fraction) -> int:
    """Return the nearest integer; of two, the larger."""
    return (2 * number.numerator + number.denominator) // (2 * number.denominator)


def invalid(part: str, text: str, expected: str) -> Problem:
    """Return the problem of a part of a request: which one, its value, and what is accepted."""
    return Problem(HTTPStatus.BAD_REQUEST, f"invalid {part} {format_value(text)}: {expected}", field=part)
