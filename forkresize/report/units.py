"""Sizes, times and shares as people write them. Knows no outcome."""

from datetime import timedelta

import humanize

_MINUTE = 60.0


def size(count: int) -> str:
    """Return a number of bytes in decimal units, such as ``1.2 MB``."""
    return humanize.naturalsize(count)


def span(seconds: float) -> str:
    """Return how long something took, such as ``4.2 s`` or ``0:02:03``."""
    return f"{max(0.0, seconds):.1f} s" if seconds < _MINUTE else clock(seconds)


def clock(seconds: float) -> str:
    """Return a span of time as a stopwatch shows it, such as ``0:02:03``."""
    return str(timedelta(seconds=round(seconds)))


def change(before: int, after: int) -> str:
    """Return how much smaller or larger something became, such as ``92.6 % saved``."""
    share = (before - after) / before if before else 0.0
    return f"{share:.1%} saved" if share >= 0 else f"{-share:.1%} larger"
