"""Colors as people write them, in CSS's notations. Paints nothing."""

import re

from PIL import ImageColor

from forkresize.recipe import RGBA

_OPAQUE = 255
_PERCENT = 100

_FUNCTION = re.compile(r"(rgb|hsl)a?\(([^()]*)\)", re.IGNORECASE)

_BETWEEN = re.compile(r"\s*[,/\s]\s*")
"""What parts the channels: commas, or blanks and a stroke before the alpha (CSS Color 4, 5.1)."""

_ALPHA = re.compile(r"(\d*\.?\d+)(%?)")


def parse_color(text: str) -> RGBA:
    """Return red, green, blue and alpha, 0 to 255 each.

    Takes CSS's color names, ``#rgb``, ``#rgba``, ``#rrggbb``, ``#rrggbbaa``, ``rgb()`` and ``hsl()`` with or without an
    alpha, and ``transparent``.

    Raises:
        ValueError: it is none of these.
    """
    written = text.strip()
    if written.lower() == "transparent":
        return 0, 0, 0, 0
    function = _FUNCTION.fullmatch(written)
    try:
        if function:
            return _called(function[1], _BETWEEN.split(function[2].strip()))
        red, green, blue, *alpha = ImageColor.getrgb(written)
    except ValueError:
        advice = "try a CSS name such as white, #rrggbb, #rrggbbaa or rgb(r, g, b)"
        raise ValueError(f"{text!r} is no color; {advice}") from None
    return red, green, blue, (alpha or [_OPAQUE])[0]


def _called(name: str, arguments: list[str]) -> RGBA:
    """Return the color that a function of CSS gives, whose alpha is 0 to 1 or in per cent; Pillow's is not.

    Raises:
        ValueError: there is no such color.
    """
    red, green, blue = ImageColor.getrgb(f"{name}({','.join(arguments[:3])})")[:3]
    found = _ALPHA.fullmatch(arguments[3]) if len(arguments) == len("RGBA") else None
    if found is None and len(arguments) != len("RGB"):
        raise ValueError(arguments)
    share = float(found[1]) / (_PERCENT if found[2] else 1) if found else 1
    return red, green, blue, round(min(share, 1) * _OPAQUE)
