"""The header ``Idempotency-Key`` (draft-ietf-httpapi-idempotency-key-header): a retry does not start a second run."""

import re
from collections.abc import Sequence

from forkresize.gateway.runs.errors import InvalidRequestError

HEADER = "Idempotency-Key"

MAX_LENGTH = 255
"""Characters of a key."""

_STRING = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
"""A string of RFC 8941, section 3.3.3."""

_BARE = re.compile(r"[!#-+\--~]+")
"""What many clients send instead: printable, without quotation marks, commas and spaces."""


def parse_key(values: Sequence[str]) -> str:
    """Return the key in a header; empty if there is none.

    Args:
        values: all values of the header.

    Raises:
        InvalidRequestError: it is not a key.
    """
    if not values:
        return ""
    text = values[0].strip(" \t")
    found = _STRING.fullmatch(text)
    key = re.sub(r"\\(.)", r"\1", found[1]) if found else text if _BARE.fullmatch(text) else ""
    if len(values) > 1 or not 0 < len(key) <= MAX_LENGTH:
        example = '"8e03978e-40d5-43e8-bc93-6894a57f9324"'
        raise InvalidRequestError(HEADER, f"use one string of at most {MAX_LENGTH} characters, such as {example}")
    return key
