"""How each option of imgproxy changes what a URL asks for."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from forkresize.formats import DEFAULT_QUALITY, Format
from forkresize.gateway.imgproxy.arguments import DIRECTIONS, FOCUS, SMART, Arguments
from forkresize.gateway.imgproxy.base64url import decode_text
from forkresize.gateway.imgproxy.options import (
    AUTO,
    GRAVITIES,
    SIZE_TYPES,
    CropArguments,
    Options,
    WatermarkArguments,
)
from forkresize.recipe import Gravity, Resample

Apply = Callable[[Options, Arguments], None]
"""Changes the options; raises a FieldError for arguments that are not accepted."""

_ANY_GRAVITY = (*DIRECTIONS, FOCUS, SMART)
_PLACES = (*DIRECTIONS, FOCUS)
FORMATS: Mapping[str, Format | str] = {
    **{str(each): each for each in Format},
    "jpg": Format.JPEG,
    "tif": Format.TIFF,
    AUTO: AUTO,
}
KERNELS = {"lanczos3": Resample.LANCZOS, "cubic": Resample.BICUBIC, "linear": Resample.BILINEAR}

_WATERMARK_PLACES: Mapping[str, Gravity | None] = {**{name: GRAVITIES[name] for name in DIRECTIONS}, "re": None}

MAX_SIDE = 100_000
_MAX_PADDING = 10_000
MAX_SIGMA = 1000.0
_MAX_LEVEL = 255
_MAX_NAME = 200
_SIZE_ARGUMENTS = len(("width", "height", "enlarge", "extend", "gravity", "x", "y"))


def set_field(field: str, parse: Callable[[Arguments], Any]) -> Apply:
    """Return what sets a field to a single argument."""

    def apply(options: Options, given: Arguments) -> None:
        given.limit(1)
        setattr(options, field, parse(given))

    return apply


def set_size(options: Options, given: Arguments) -> None:
    """Set the box, whether to enlarge, and the padding."""
    given.limit(_SIZE_ARGUMENTS)
    if given.has(0):
        options.width = given.integer(0, 0, MAX_SIDE)
    if given.has(1):
        options.height = given.integer(1, 0, MAX_SIDE)
    if given.has(2):
        options.enlarge = given.boolean(2)
    if given.has(3):
        set_extend(options, given.rest(3))


def set_resize(options: Options, given: Arguments) -> None:
    """Set the resizing type, and what ``set_size`` sets."""
    given.limit(1 + _SIZE_ARGUMENTS)
    if given.has(0):
        options.size_type = given.word(0, {each: each for each in SIZE_TYPES})
    if len(given) > 1:
        set_size(options, given.rest(1))


def set_extend(options: Options, given: Arguments) -> None:
    """Set whether the box is padded, and where the picture lies in it."""
    given.limit(4)
    options.extend = given.boolean()
    if given.has(1):
        place = given.rest(1).gravity(DIRECTIONS)
        if place.x or place.y:
            raise given.error("offsets are not supported: use one of ce, no, so, ea, we, noea, nowe, soea, sowe alone")
        options.extend_place = place


def set_gravity(options: Options, given: Arguments) -> None:
    """Set which part of the picture is kept."""
    options.gravity = given.gravity(_ANY_GRAVITY)


def set_crop(options: Options, given: Arguments) -> None:
    """Set the area of the source that is used."""
    given.limit(5)
    width, height = (given.number(place, 0.0, MAX_SIDE) if given.has(place) else 0.0 for place in (0, 1))
    options.crop = CropArguments(width, height, given.rest(2).gravity(_PLACES) if given.has(2) else None)


def set_trim(options: Options, given: Arguments) -> None:
    """Set the tolerance of trimming."""
    given.limit(4)
    if any(given.has(place) for place in (1, 2, 3)):
        raise given.error("only the threshold is supported, as in trim:10; the corners decide on the color")
    options.trim = given.number(0, 0.0, _MAX_LEVEL) if given.has(0) else -1


def set_padding(options: Options, given: Arguments) -> None:
    """Set the width of the border."""
    given.limit(4)
    sides = {given.integer(place, 0, _MAX_PADDING) for place in range(len(given)) if given.has(place)}
    if len(sides) != 1 or not given.has(0):
        raise given.error("use one width for all sides, for example padding:10")
    options.padding = sides.pop()


def set_zoom(options: Options, given: Arguments) -> None:
    """Set the factor of the box."""
    given.limit(2)
    if len({given.factor(place) for place in range(len(given))}) > 1:
        raise given.error("use one factor for both sides, for example zoom:2")
    options.zoom = given.factor()


def set_rotate(options: Options, given: Arguments) -> None:
    """Set the rotation."""
    given.limit(1)
    angle = given.integer(0, -(10**6), 10**6)
    if angle % 90:
        raise given.invalid(0, "a multiple of 90")
    options.rotate = angle % 360


def set_flip(options: Options, given: Arguments) -> None:
    """Set whether the picture is mirrored."""
    given.limit(2)
    across, down = (given.boolean(place) if given.has(place) else False for place in (0, 1))
    options.flip = across, down


def set_background(options: Options, given: Arguments) -> None:
    """Set the background."""
    if len(given) == 1:
        options.background = given.color() if given.has(0) else ()
        return
    given.limit(3, 3)
    red, green, blue = (given.integer(place, 0, _MAX_LEVEL) for place in range(3))
    options.background = red, green, blue


def set_watermark(options: Options, given: Arguments) -> None:
    """Set the watermark."""
    given.limit(5)
    options.watermark = WatermarkArguments(
        opacity=given.number(0, 0.0, 1.0),
        place=given.word(1, _WATERMARK_PLACES) if given.has(1) else Gravity.CENTER,
        x=given.number(2, 0.0, 0.5) if given.has(2) else 0.0,
        y=given.number(3, 0.0, 0.5) if given.has(3) else 0.0,
        scale=given.number(4, 0.0, 1.0) if given.has(4) else 0.0,
    )
    if options.watermark.x != options.watermark.y:
        raise given.error("both offsets must be the same share, for example wm:0.5:soea:0.02:0.02")


def set_format_quality(options: Options, given: Arguments) -> None:
    """Set qualities by format."""
    if len(given) % 2:
        raise given.error("use pairs of a format and a quality, for example fq:jpeg:80:webp:75")
    found = dict(options.qualities)
    for place in range(0, len(given), 2):
        found[given.word(place, _WITH_QUALITY)] = given.integer(place + 1, 1, 100)
    options.qualities = found


_WITH_QUALITY = {name: each for name, each in FORMATS.items() if isinstance(each, Format) and each in DEFAULT_QUALITY}


def set_format(options: Options, given: Arguments) -> None:
    """Set the format, as an option or as what follows the source."""
    given.limit(1)
    options.format = given.word(0, FORMATS)


def set_filename(options: Options, given: Arguments) -> None:
    """Set the name to save the picture under."""
    given.limit(2)
    is_encoded = given.has(1) and given.boolean(1)
    name = decode_text(given.name, given.texts[0]) if is_encoded else unquote(given.texts[0])
    if not name or len(name) > _MAX_NAME or not name.isprintable() or "/" in name or "\\" in name:
        raise given.error(f"use a file name of 1 to {_MAX_NAME} characters that print, without slashes")
    options.filename = name


def set_preset(options: Options, given: Arguments) -> None:
    """Set the preset."""
    if len(given) > 1 or options.preset not in {"", given.texts[0]}:
        raise given.error("several presets cannot be combined, since each is a whole recipe: use one")
    options.preset = given.texts[0]
