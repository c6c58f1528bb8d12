"""Sizes, durations and shares as people write them."""

from datetime import timedelta

_MINUTE = 60.0


def format_size(count: int) -> str:
    """Return a number of bytes in decimal units, such as ``1.2 MB``."""
    if count < 1000:  # noqa: PLR2004
        return f"{count} Byte{'' if count == 1 else 's'}"
    for power, unit in enumerate(("kB", "MB", "GB", "TB", "PB"), 1):
        shown = f"{count / 1000**power:.1f}"
        if shown != "1000.0" and len(shown) <= len("999.9"):
            return f"{shown} {unit}"
    return f"{count / 1000**6:.1f} EB"


def format_duration(seconds: float) -> str:
    """Return a duration, such as ``4.2 s`` or ``0:02:03``."""
    return f"{max(0.0, seconds):.1f} s" if seconds < _MINUTE else format_clock(seconds)


def format_clock(seconds: float) -> str:
    """Return a duration as a stopwatch shows it, such as ``0:02:03``."""
    return str(timedelta(seconds=round(seconds)))


def format_change(before: int, after: int) -> str:
    """Return a change in size as a share, such as ``92.6% saved`` or ``3.1% larger``."""
    share = (before - after) / before if before else 0.0
    return f"{share:.1%} saved" if share >= 0 else f"{-share:.1%} larger"
