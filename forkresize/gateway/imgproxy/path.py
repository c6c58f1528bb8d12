"""The path of a picture's URL, behind the signature: options, then the source and its format."""

import re
from collections.abc import Collection, Sequence
from urllib.parse import unquote_to_bytes

from msgspec import Struct

from forkresize.errors import FieldError
from forkresize.gateway.imgproxy.arguments import Arguments, shorten
from forkresize.gateway.imgproxy.base64url import decode_text
from forkresize.gateway.imgproxy.grammar import BY_NAME, HANDLING, parse_options
from forkresize.gateway.imgproxy.options import SIZE_TYPES, Options
from forkresize.gateway.imgproxy.setters import set_format
from forkresize.words import one_of

SOURCE = "source"
"""The field of errors about the source."""

_PLAIN = "plain"
_MAX_PATH = 8192
_PERCENT = re.compile(r"%(?![\da-fA-F]{2})", re.ASCII)
_EXAMPLE = "for example /width:300/plain/photos/summer/sea.jpg@webp"
_PRESET_EXAMPLE = "for example /thumb/plain/photos/summer/sea.jpg"


class PictureRequest(Struct, frozen=True):
    """What a URL asks for.

    Attributes:
        root: the name of the root that the picture is in.
        key: of the picture in its root.
        options: what to make of it.
    """

    root: str
    key: str
    options: Options


def parse_path(path: str, presets: Collection[str] = (), *, only_presets: bool = False) -> PictureRequest:
    """Return what a path asks for.

    Args:
        path: all that follows the signature, from the slash on, escaped as it was sent.
        presets: the names that ``preset`` accepts.
        only_presets: whether the name of a preset takes the place of the options that change a picture.

    Raises:
        FieldError: the path is malformed, or an option or an argument is not accepted; names the option, or ``SOURCE``.
    """
    if not path.startswith("/") or len(path) > _MAX_PATH:
        raise FieldError(SOURCE, f"the path must have options and a source, {_EXAMPLE}, in {_MAX_PATH} characters")
    parts = path[1:].split("/")
    options, source = _parse_preset(parts) if only_presets else _parse_options(parts)
    if options.preset and options.preset not in presets:
        raise FieldError("preset", _describe_presets(options.preset, presets))
    key, format_name = _parse_source(source)
    if format_name is not None:
        set_format(options, Arguments("format", (format_name,)))
    root, slash, key = key.partition("/")
    if not (root and slash and key):
        raise FieldError(SOURCE, f"names no picture: use the name of a root, a slash and a key, {_EXAMPLE}")
    return PictureRequest(root, key, options)


def _parse_preset(parts: Sequence[str]) -> tuple[Options, Sequence[str]]:
    """Return the options, and the parts behind them: the name of a preset among options that change no picture."""
    before = _count_options(parts)
    end = before + 1 + _count_options(parts[before + 1 :])
    texts = [*parts[:before], *parts[before + 1 : end]]
    for name in (text.partition(":")[0] for text in texts):
        if name not in HANDLING:
            others = ", ".join(long for long in HANDLING if BY_NAME[long].names[0] == long)
            text = f"this gateway makes presets only: use the name of one, and beside it only {others}"
            raise FieldError(shorten(name), text)
    options = parse_options(texts)
    options.preset = parts[before] if before < len(parts) else ""
    if not options.preset:
        raise FieldError("preset", f"is missing: put its name before the source, {_PRESET_EXAMPLE}")
    return options, parts[end:]


def _parse_options(parts: Sequence[str]) -> tuple[Options, Sequence[str]]:
    """Return the options, and the parts behind them: an option has a colon."""
    if parts[0] in SIZE_TYPES:
        raise FieldError(parts[0], f"the basic URL format of old versions of imgproxy is not accepted: {_EXAMPLE}")
    count = _count_options(parts)
    return parse_options(parts[:count]), parts[count:]


def _count_options(parts: Sequence[str]) -> int:
    return next((place for place, part in enumerate(parts) if ":" not in part), len(parts))


def _parse_source(parts: Sequence[str]) -> tuple[str, str | None]:
    """Return root and key, and the format that follows them.

    Raises:
        FieldError: there is none, it is malformed, or not in UTF-8.
    """
    if len(parts) > 1 and parts[0] == _PLAIN:
        text, format_name = _split_format("/".join(parts[1:]), "@")
        if _PERCENT.search(text):
            raise FieldError(SOURCE, "has a % without two hexadecimal digits: write % as %25")
        try:
            return unquote_to_bytes(text).decode(), format_name
        except UnicodeDecodeError:
            raise FieldError(SOURCE, "is not UTF-8") from None
    text, format_name = _split_format("".join(parts), ".")
    try:
        return decode_text(SOURCE, text), format_name
    except FieldError:
        if _PLAIN not in parts:
            raise
        text = f"{shorten(parts[0])!r} is not an option, which has a name and a colon, {_EXAMPLE}"
        raise FieldError(SOURCE, text) from None


def _split_format(text: str, separator: str) -> tuple[str, str | None]:
    source, *formats = text.split(separator)
    if not source:
        raise FieldError(SOURCE, f"is missing: use /plain/ROOT/KEY, or both in URL-safe Base64, {_EXAMPLE}")
    if len(formats) > 1:
        hint = "; write @ as %40 in a key" if separator == "@" else ""
        raise FieldError(SOURCE, f"has several formats, separated by {separator!r}{hint}")
    return source, (formats[0] or None) if formats else None


def _describe_presets(name: str, presets: Collection[str]) -> str:
    if not presets:
        return "this gateway has no presets"
    return f"unknown preset {shorten(name)!r}: use {one_of(name, sorted(presets))}"
