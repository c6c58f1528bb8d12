"""Colors as people write them, in CSS's notations. Paints nothing."""

from PIL import ImageColor

from forkresize.recipe import RGBA

_OPAQUE = 255


def parse_color(text: str) -> RGBA:
    """Return red, green, blue and alpha, 0 to 255 each.

    Takes CSS's color names, ``#rgb``, ``#rgba``, ``#rrggbb``, ``#rrggbbaa``, ``rgb()``, ``hsl()`` and ``transparent``.

    Raises:
        ValueError: it is none of these.
    """
    if text.strip().lower() == "transparent":
        return 0, 0, 0, 0
    try:
        red, green, blue, *alpha = ImageColor.getrgb(text.strip())
    except ValueError:
        raise ValueError(
            f"{text!r} is no color; try a CSS name such as white, #rrggbb, #rrggbbaa or rgb(r, g, b)"
        ) from None
    return red, green, blue, (alpha or [_OPAQUE])[0]
