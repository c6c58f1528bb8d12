"""The options of imgproxy that a URL may have, with their names and arguments."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from forkresize.errors import FieldError
from forkresize.gateway.imgproxy import setters
from forkresize.gateway.imgproxy.arguments import Arguments, shorten
from forkresize.gateway.imgproxy.options import SIZE_TYPES, Options
from forkresize.gateway.imgproxy.setters import FORMATS, KERNELS, MAX_SIDE, MAX_SIGMA, Apply, set_field
from forkresize.words import suggest


class Option(Struct, frozen=True):
    """An option of imgproxy that a URL may have.

    Attributes:
        names: the long one first.
        arguments: what follows the name and a colon.
        help: what it does, as the documentation says it.
        apply: changes the options; raises a FieldError for what is not accepted.
    """

    names: tuple[str, ...]
    arguments: str
    help: str
    apply: Apply


_SIDE = "PIXELS"
_BOOLEAN = "1 or 0"
_GRAVITY = "ce, no, so, ea, we, noea, nowe, soea or sowe"

ACCEPTED = (
    Option(
        ("resize", "rs"),
        "TYPE:WIDTH:HEIGHT:ENLARGE:EXTEND",
        "resizing type, width, height, enlarge and extend together; any may be empty",
        setters.set_resize,
    ),
    Option(("size", "s"), "WIDTH:HEIGHT:ENLARGE:EXTEND", "the same without the type", setters.set_size),
    Option(
        ("resizing_type", "rt"),
        "fit, fill, fill-down, force or auto",
        "fit: within the box; fill: fill it and crop the rest; fill-down: the same, never larger than the picture; "
        "force: stretch to it; auto: fill if picture and box are both landscape or both portrait, else fit",
        set_field("size_type", lambda given: given.word(0, {each: each for each in SIZE_TYPES})),
    ),
    Option(
        ("width", "w"),
        _SIDE,
        "width of the box; 0 for any",
        set_field("width", lambda given: given.integer(0, 0, MAX_SIDE)),
    ),
    Option(
        ("height", "h"),
        _SIDE,
        "height of the box; 0 for any",
        set_field("height", lambda given: given.integer(0, 0, MAX_SIDE)),
    ),
    Option(("enlarge", "el"), _BOOLEAN, "enlarge smaller pictures", set_field("enlarge", Arguments.boolean)),
    Option(
        ("extend", "ex"),
        "1 or 0:GRAVITY",
        f"pad what fits within the box to the box; the gravity is {_GRAVITY}",
        setters.set_extend,
    ),
    Option(
        ("gravity", "g"),
        "GRAVITY",
        f"the part that fill keeps: {_GRAVITY}, sm for the most salient part, or fp:X:Y for a point, 0 to 1 each",
        setters.set_gravity,
    ),
    Option(
        ("crop", "c"),
        "WIDTH:HEIGHT:GRAVITY:X:Y",
        "use an area of the picture: pixels, or shares below 1; 0 for all; without a gravity, that of gravity; "
        "offsets in pixels, or in shares below 1; not sm",
        setters.set_crop,
    ),
    Option(("dpr",), "FACTOR", "multiply the box and the padding", set_field("dpr", Arguments.factor)),
    Option(("zoom", "z"), "FACTOR", "multiply the box", setters.set_zoom),
    Option(("trim", "t"), "THRESHOLD", "crop borders of a uniform color, before the resize", setters.set_trim),
    Option(("padding", "pd"), _SIDE, "a border of the background, the same on all sides", setters.set_padding),
    Option(
        ("auto_rotate", "ar"),
        _BOOLEAN,
        "rotate upright first, as EXIF says",
        set_field("auto_rotate", Arguments.boolean),
    ),
    Option(("rotate", "rot"), "DEGREES", "rotate clockwise by a multiple of 90", setters.set_rotate),
    Option(("flip", "fl"), "ACROSS:DOWN", "mirror from left to right, from top to bottom", setters.set_flip),
    Option(
        ("background", "bg"),
        "RRGGBB or R:G:B",
        "the color of padding, and behind transparency in formats without it",
        setters.set_background,
    ),
    Option(("blur", "bl"), "SIGMA", "Gaussian blur", set_field("blur", lambda given: given.number(0, 0.0, MAX_SIGMA))),
    Option(
        ("sharpen", "sh"),
        "SIGMA",
        "unsharp mask with this radius",
        set_field("sharpen", lambda given: given.number(0, 0.0, MAX_SIGMA)),
    ),
    Option(
        ("watermark", "wm"),
        "OPACITY:POSITION:X:Y:SCALE",
        f"overlay the gateway's watermark; the position is {_GRAVITY}, or re for everywhere; X and Y are one share of "
        "the shorter side, and SCALE one of it",
        setters.set_watermark,
    ),
    Option(
        ("resizing_algorithm", "ra"),
        "lanczos3, cubic or linear",
        "the resampling kernel",
        set_field("resample", lambda given: given.word(0, KERNELS)),
    ),
    Option(
        ("disable_animation", "da"),
        _BOOLEAN,
        "keep only the first frame or page",
        set_field("still", Arguments.boolean),
    ),
    Option(
        ("strip_metadata", "sm"),
        _BOOLEAN,
        "drop EXIF, XMP and IPTC; the default. 0 keeps all of it, with places",
        set_field("strip_metadata", Arguments.boolean),
    ),
    Option(
        ("keep_copyright", "kcr"),
        _BOOLEAN,
        "keep author and license in spite of that; the default",
        set_field("keep_copyright", Arguments.boolean),
    ),
    Option(
        ("strip_color_profile", "scp"),
        _BOOLEAN,
        "convert to sRGB; the default. 0 keeps the color space and its profile",
        set_field("strip_profile", Arguments.boolean),
    ),
    Option(
        ("quality", "q"),
        "1 to 100",
        "quality, in formats that have one; 0 for the default",
        set_field("quality", lambda given: given.integer(0, 0, 100)),
    ),
    Option(("format_quality", "fq"), "FORMAT:QUALITY:…", "quality by format", setters.set_format_quality),
    Option(
        ("max_bytes", "mb"),
        "BYTES",
        "lower the quality, then the dimensions, until the file is not larger; 0 for no limit",
        set_field("max_bytes", Arguments.integer),
    ),
    Option(
        ("format", "f", "ext"),
        ", ".join(sorted(FORMATS)),
        "the format; auto: the best one that the Accept header names. Without it, that of the picture",
        setters.set_format,
    ),
    Option(
        ("cachebuster", "cb"),
        "TEXT",
        "any text that changes with the picture; caches may keep a signed URL that has one for a year",
        set_field("cachebuster", lambda given: given.only()),
    ),
    Option(
        ("expires", "exp"),
        "SECONDS",
        "the time, in seconds since 1970, after which the answer is 404",
        set_field("expires", Arguments.integer),
    ),
    Option(
        ("filename", "fn"), "NAME:1 or 0", "the name to save it under; with 1, in URL-safe Base64", setters.set_filename
    ),
    Option(
        ("return_attachment", "att"), _BOOLEAN, "ask browsers to save it", set_field("attachment", Arguments.boolean)
    ),
    Option(("preset", "pr"), "NAME", "the recipe file that the other options change", setters.set_preset),
)

_NO_RECIPE = "a recipe cannot do it"
_OF_THE_GATEWAY = "the limits of this gateway are in its settings"

REFUSED: Mapping[str, str] = {
    **dict.fromkeys(("min-width", "mw", "min-height", "mh"), f"{_NO_RECIPE}; use width, height and fill"),
    **dict.fromkeys(
        ("extend_aspect_ratio", "extend_ar", "exar"), f"{_NO_RECIPE}; use extend with a width and a height"
    ),
    **dict.fromkeys(("pixelate", "pix", "background_alpha", "bga"), _NO_RECIPE),
    **dict.fromkeys(("enforce_thumbnail", "eth"), f"{_NO_RECIPE}; thumbnails in files are never used"),
    **dict.fromkeys(("page", "pg", "pages", "pgs"), f"{_NO_RECIPE}; use disable_animation:1 for the first page"),
    **dict.fromkeys(("skip_processing", "skp", "raw"), "files are never sent as they are; every picture is decoded"),
    **dict.fromkeys(
        (
            *("max_src_resolution", "msr", "max_src_file_size", "msfs", "max_animation_frames", "maf"),
            *("max_animation_frame_resolution", "mafr", "max_result_dimension", "mrd"),
        ),
        _OF_THE_GATEWAY,
    ),
}
"""Options of imgproxy that are not accepted, and why."""

BY_NAME: Mapping[str, Option] = {name: option for option in ACCEPTED for name in option.names}

HANDLING = tuple(
    name for long in ("cachebuster", "expires", "filename", "return_attachment") for name in BY_NAME[long].names
)
"""The names of options that change nothing in a picture; presets may be combined with them in any case."""


def parse_options(texts: Iterable[str]) -> Options:
    """Return what options ask for. Of several that set the same, the last counts.

    Args:
        texts: such as ``width:300``.

    Raises:
        FieldError: an option is unknown or not accepted, or an argument is not. It names the option.
    """
    options = Options()
    for text in texts:
        name, *arguments = text.split(":")
        option = BY_NAME.get(name)
        if option is None:
            raise _refuse(name)
        option.apply(options, Arguments(name, arguments, option.arguments))
    return options


def _refuse(name: str) -> FieldError:
    if name in REFUSED:
        return FieldError(name, f"this option of imgproxy is not accepted: {REFUSED[name]}")
    return FieldError(
        shorten(name), f"unknown option{suggest(name, BY_NAME) or '; the documentation of the gateway lists them'}"
    )
