"""Loads the fonts of watermarks, and finds the characters that they lack."""

import io
import os
import unicodedata
from functools import lru_cache

from PIL import ImageFont
from PIL.ImageFont import FreeTypeFont, Layout

from forkresize.errors import FieldError, describe
from forkresize.image.watermark.files import open_file
from forkresize.recipe import Watermark

_BUNDLED = os.path.join(os.path.dirname(__file__), "NotoSans.ttf")
"""A subset of Noto Sans, under the SIL Open Font License; Pillow's own font lacks most accented letters."""

_CACHED = 16

_REFERENCE = 64
"""The size in pixels at which glyphs are compared."""

_NO_CHARACTER = "\uffff"
"""A code point that Unicode never assigns, so that no font has a glyph for it."""

_INVISIBLE = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs"})
"""Categories of invisible characters: controls, joiners and marks of direction, separators."""

_SELECTORS = frozenset(map(chr, [0x034F, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]))
"""Variation selectors of the preceding character; fonts with a single form ignore them."""


@lru_cache(maxsize=_CACHED)
def font(path: str | None, size: float) -> FreeTypeFont:
    """Return a font that shapes complex scripts where Pillow has raqm.

    Args:
        path: of a TrueType or OpenType font; None for the bundled one, which has Latin, Greek and Cyrillic.
        size: in pixels per em.

    Raises:
        FieldError: the file is missing, or is not a scalable font.
    """
    try:
        return ImageFont.truetype(io.BytesIO(_content(path or _BUNDLED)), size)
    except ImportError as error:
        raise FieldError("watermark_text", f"Pillow was built without FreeType: {error}") from error
    except OSError as error:
        raise FieldError("watermark_font", f"{path}: {describe(error)}") from error


def lines(text: str) -> str:
    """Return a text with composed accents and expanded tabs, and with newlines alone between its lines."""
    return "\n".join(unicodedata.normalize("NFC", text).expandtabs(4).splitlines())


def missing_glyphs(step: Watermark) -> str:
    """Return the characters of a watermark's text that its font lacks, each once, in order of appearance.

    Raises:
        FieldError: the font can't be used.
    """
    # Without shaping, every character shows the glyph that the font maps it to.
    plain = font(step.font, _REFERENCE).font_variant(layout_engine=Layout.BASIC)
    absent = _bitmap(plain, _NO_CHARACTER)
    visible = (sign for sign in dict.fromkeys(lines(step.text or "")) if _is_visible(sign))
    return "".join(sign for sign in visible if _bitmap(plain, sign) == absent)


@lru_cache(maxsize=_CACHED)
def _content(path: str) -> bytes:
    with open_file(path) as file:
        return file.read()


def _is_visible(sign: str) -> bool:
    return unicodedata.category(sign) not in _INVISIBLE and sign not in _SELECTORS


def _bitmap(plain: FreeTypeFont, sign: str) -> tuple[object, ...]:
    mask = plain.getmask(sign)
    return mask.size, bytes(mask), plain.getlength(sign)
