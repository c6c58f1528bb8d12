"""Amounts as people write them: numbers of bytes. Knows no option and no file."""

import re

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}


def parse_bytes(text: str) -> int:
    """Return a number of bytes; K, M and G are powers of a thousand, Ki, Mi and Gi of 1024, each with or without B.

    Raises:
        ValueError: the text is none; says what would do, to follow the text itself.
    """
    found = re.fullmatch(r"(\d{1,15}(?:\.\d{1,15})?)\s*((?:[kmg]i?)?)b?", text.strip().lower(), re.ASCII)
    if not found:
        raise ValueError("is no size; 300K, 1.5M and 200KiB are")
    return round(float(found[1]) * _UNITS[found[2]])
