"""Moments as people write them: a file's time, a date, or how long ago. Knows no option by name."""

import os
import re
import time
from datetime import datetime
from functools import cache

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}

_SECOND = 10**9


@cache
def _now() -> int:
    """Return when the run began; the same each time, so that all that is said of one run means one moment."""
    return time.time_ns()


def parse_timestamp(text: str) -> int:
    """Return the moment that a text means, in nanoseconds since the epoch.

    That is a duration before now (``2d``), else a date with or without a time (``2026-01-31T12:00``), in local time
    unless it says otherwise, else the time at which the file of that name was last modified.

    Raises:
        ValueError: the text is none of them; says what would do, to follow the text itself.
    """
    ago = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)\s*([smhdw])", text, re.ASCII)
    if ago:
        return _now() - round(float(ago[1]) * _UNITS[ago[2]] * _SECOND)
    try:
        return _date(text) if re.match(r"\d{4}-\d\d-\d\d([T ]|$)", text, re.ASCII) else os.stat(text).st_mtime_ns
    except (OSError, OverflowError, ValueError):
        raise ValueError(
            "is neither a file that is there nor a moment; 2026-01-31, 2026-01-31T12:00 and 2d are"
        ) from None


def _date(text: str) -> int:
    moment = datetime.fromisoformat(text)
    # A float would be wrong from the seventh digit on.
    return int(moment.replace(microsecond=0).timestamp()) * _SECOND + moment.microsecond * 1000
