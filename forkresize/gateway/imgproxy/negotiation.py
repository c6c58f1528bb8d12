"""The format of ``format=auto``: the best one that the client names in its ``Accept`` header (RFC 9110, 12.5.1)."""

import os
from functools import lru_cache

from forkresize.formats import SPECS, Format, writable_formats
from forkresize.gateway.accept import parse_accept

NEGOTIATED = tuple(each for each in (Format.AVIF, Format.JXL, Format.WEBP) if each in writable_formats())
"""The formats that a client has to name, the best one first."""

_SHOWN_EVERYWHERE = frozenset({Format.JPEG, Format.PNG, Format.GIF})


@lru_cache(maxsize=256)
def negotiate(accept: str, key: str) -> Format | None:
    """Return the format to answer with; None for that of the source.

    ``*/*`` and ``image/*`` name no format: all programs send them, and many read only old formats.

    Args:
        accept: the header; empty if there is none.
        key: of the source; its suffix names its format.
    """
    weights = parse_accept(accept)
    offered = [each for each in NEGOTIATED if weights.get(SPECS[each].media_type, 0) > 0]
    if offered:
        # Of equal weights, the first one is the best.
        return max(offered, key=lambda each: weights[SPECS[each].media_type])
    return None if _format_of(key) in _SHOWN_EVERYWHERE else Format.JPEG


def _format_of(key: str) -> Format | None:
    try:
        return Format(os.path.splitext(key)[1].removeprefix("."))
    except ValueError:
        return None
