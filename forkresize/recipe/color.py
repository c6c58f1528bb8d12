"""Colors as people write them, in the notations of CSS."""

import re

RGBA = tuple[int, int, int, int]

_OPAQUE = 255
_MAX_LENGTH = 100

_HEX = r"#(?:[\da-f]{3}|[\da-f]{4}|[\da-f]{6}|[\da-f]{8})"
_FUNCTION = r"(rgb|hsl|hsv|hsb)a?\(([^()]*)\)"
_SEPARATOR = r"\s*[,/\s]\s*"
"""Between channels: commas, or spaces and a slash before the alpha (CSS Color 4, 5.1)."""
_NUMBER = r"(\d*\.?\d+)(%?)"

EXPECTED = "a CSS color such as white, #rrggbb, #rrggbbaa or rgb(r, g, b)"

_NAMES = """
aliceblue f0f8ff antiquewhite faebd7 aqua 00ffff aquamarine 7fffd4 azure f0ffff beige f5f5dc bisque ffe4c4 black
000000 blanchedalmond ffebcd blue 0000ff blueviolet 8a2be2 brown a52a2a burlywood deb887 cadetblue 5f9ea0 chartreuse
7fff00 chocolate d2691e coral ff7f50 cornflowerblue 6495ed cornsilk fff8dc crimson dc143c cyan 00ffff darkblue
00008b darkcyan 008b8b darkgoldenrod b8860b darkgray a9a9a9 darkgreen 006400 darkgrey a9a9a9 darkkhaki bdb76b
darkmagenta 8b008b darkolivegreen 556b2f darkorange ff8c00 darkorchid 9932cc darkred 8b0000 darksalmon e9967a
darkseagreen 8fbc8f darkslateblue 483d8b darkslategray 2f4f4f darkslategrey 2f4f4f darkturquoise 00ced1 darkviolet
9400d3 deeppink ff1493 deepskyblue 00bfff dimgray 696969 dimgrey 696969 dodgerblue 1e90ff firebrick b22222
floralwhite fffaf0 forestgreen 228b22 fuchsia ff00ff gainsboro dcdcdc ghostwhite f8f8ff gold ffd700 goldenrod daa520
gray 808080 green 008000 greenyellow adff2f grey 808080 honeydew f0fff0 hotpink ff69b4 indianred cd5c5c indigo
4b0082 ivory fffff0 khaki f0e68c lavender e6e6fa lavenderblush fff0f5 lawngreen 7cfc00 lemonchiffon fffacd lightblue
add8e6 lightcoral f08080 lightcyan e0ffff lightgoldenrodyellow fafad2 lightgray d3d3d3 lightgreen 90ee90 lightgrey
d3d3d3 lightpink ffb6c1 lightsalmon ffa07a lightseagreen 20b2aa lightskyblue 87cefa lightslategray 778899
lightslategrey 778899 lightsteelblue b0c4de lightyellow ffffe0 lime 00ff00 limegreen 32cd32 linen faf0e6 magenta
ff00ff maroon 800000 mediumaquamarine 66cdaa mediumblue 0000cd mediumorchid ba55d3 mediumpurple 9370db
mediumseagreen 3cb371 mediumslateblue 7b68ee mediumspringgreen 00fa9a mediumturquoise 48d1cc mediumvioletred c71585
midnightblue 191970 mintcream f5fffa mistyrose ffe4e1 moccasin ffe4b5 navajowhite ffdead navy 000080 oldlace fdf5e6
olive 808000 olivedrab 6b8e23 orange ffa500 orangered ff4500 orchid da70d6 palegoldenrod eee8aa palegreen 98fb98
paleturquoise afeeee palevioletred db7093 papayawhip ffefd5 peachpuff ffdab9 peru cd853f pink ffc0cb plum dda0dd
powderblue b0e0e6 purple 800080 rebeccapurple 663399 red ff0000 rosybrown bc8f8f royalblue 4169e1 saddlebrown 8b4513
salmon fa8072 sandybrown f4a460 seagreen 2e8b57 seashell fff5ee sienna a0522d silver c0c0c0 skyblue 87ceeb slateblue
6a5acd slategray 708090 slategrey 708090 snow fffafa springgreen 00ff7f steelblue 4682b4 tan d2b48c teal 008080
thistle d8bfd8 tomato ff6347 turquoise 40e0d0 violet ee82ee wheat f5deb3 white ffffff whitesmoke f5f5f5 yellow
ffff00 yellowgreen 9acd32
"""


def parse_color(text: str) -> RGBA:
    """Return red, green, blue and alpha, 0 to 255 each.

    Accepts CSS color names, ``#rgb``, ``#rgba``, ``#rrggbb``, ``#rrggbbaa``, ``rgb()``, ``hsl()`` and ``hsv()`` with or
    without an alpha, and ``transparent``.

    Raises:
        ValueError: the text has none of these notations.
    """
    color = text.strip().lower()
    found = re.fullmatch(_FUNCTION, color) if len(color) <= _MAX_LENGTH else None
    try:
        if found:
            return _from_function(found[1], re.split(_SEPARATOR, found[2].strip()))
        digits = color if re.fullmatch(_HEX, color, re.ASCII) else "#" + _hex_by_name()[color]
    except (KeyError, ValueError):
        raise ValueError(f"invalid color {text[:_MAX_LENGTH]!r}: use {EXPECTED}") from None
    if len(digits) <= len("#rgba"):
        digits = "#" + "".join(digit * 2 for digit in digits[1:])
    red, green, blue, *alpha = bytes.fromhex(digits[1:])
    return red, green, blue, (alpha or [_OPAQUE])[0]


def _hex_by_name() -> dict[str, str]:
    words = _NAMES.split()
    return dict(zip(words[::2], words[1::2], strict=True)) | {"transparent": "00000000"}


def _from_function(name: str, arguments: list[str]) -> RGBA:
    """Return the color of a function such as ``rgb``.

    Raises:
        ValueError: an argument is malformed, or the number of arguments is wrong.
    """
    if len(arguments) not in {len("RGB"), len("RGBA")}:
        raise ValueError(arguments)
    numbers, units = zip(*map(_parse_number, arguments), strict=True)
    alpha = numbers[3] / (100 if units[3] else 1) if len(arguments) == len("RGBA") else 1.0
    return *_channels(name, numbers, units), round(min(alpha, 1) * _OPAQUE)


def _parse_number(text: str) -> tuple[float, str]:
    found = re.fullmatch(_NUMBER, text, re.ASCII)
    if found is None:
        raise ValueError(text)
    return float(found[1]), found[2]


def _channels(name: str, numbers: tuple[float, ...], units: tuple[str, ...]) -> tuple[int, int, int]:
    first, second, third = numbers[:3]
    if name != "rgb":
        if units[:3] != ("", "%", "%"):
            raise ValueError(units)
        from colorsys import hls_to_rgb, hsv_to_rgb

        hue, second, third = first / 360, second / 100, third / 100
        light = hls_to_rgb(hue, third, second) if name == "hsl" else hsv_to_rgb(hue, second, third)
        first, second, third = (channel * _OPAQUE for channel in light)
    elif set(units[:3]) == {"%"}:
        first, second, third = (channel * _OPAQUE / 100 for channel in numbers[:3])
    elif set(units[:3]) != {""} or any(channel % 1 for channel in numbers[:3]):
        raise ValueError(numbers)
    return int(first + 0.5), int(second + 0.5), int(third + 0.5)
