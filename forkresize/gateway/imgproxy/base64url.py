"""URL-safe Base64 without padding, as imgproxy reads it."""

import re
from base64 import urlsafe_b64decode

from forkresize.errors import FieldError

_ALPHABET = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)


def decode_text(field: str, text: str) -> str:
    """Return the text that URL-safe Base64 stands for; padding may follow.

    Args:
        field: what it is, for errors.
        text: the Base64.

    Raises:
        FieldError: it is not Base64, or not of UTF-8.
    """
    digits = text.rstrip("=")
    if not _ALPHABET.fullmatch(digits) or len(digits) % 4 == 1:
        raise FieldError(field, "is not URL-safe Base64: use A to Z, a to z, 0 to 9, - and _")
    try:
        return urlsafe_b64decode(digits + "=" * (-len(digits) % 4)).decode()
    except UnicodeDecodeError:
        raise FieldError(field, "is not UTF-8 in URL-safe Base64") from None
