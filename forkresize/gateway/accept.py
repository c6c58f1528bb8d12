"""What a client accepts: its ``Accept`` header (RFC 9110, 12.5.1)."""

import re
from collections.abc import Mapping

_MAX_HEADER = 2048

_RANGE = re.compile(r"\s*([\w!#$&^.+-]+/[\w!#$&^.+-]+)\s*((?:;[^;,]*)*)", re.ASCII)
_WEIGHT = re.compile(r";\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*(?:;|$)", re.ASCII | re.IGNORECASE)


def parse_accept(header: str) -> Mapping[str, float]:
    """Return the weights of the media types that a header names, without ranges; a malformed weight counts as 1."""
    found: dict[str, float] = {}
    for part in header[:_MAX_HEADER].split(","):
        match = _RANGE.fullmatch(part)
        if match:
            weight = _WEIGHT.search(match[2])
            found[match[1].lower()] = float(weight[1]) if weight else 1.0
    return found
