"""Tables of text for a terminal."""

from collections.abc import Sequence

_MINUTE = 60
_HOUR = 3600
_DAY = 86_400


def format_table(heads: Sequence[str], rows: Sequence[Sequence[str]], if_empty: str) -> str:
    """Return a table whose columns are as wide as their widest cell, with a line break at its end.

    Args:
        heads: of the columns.
        rows: cells of the columns; characters that do not print are escaped.
        if_empty: a sentence for a table without rows.
    """
    if not rows:
        return f"{if_empty}\n"
    printable = [[escape(cell) for cell in row] for row in rows]
    lines = [list(heads), *printable]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    texts = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    return "".join(f"{text.rstrip()}\n" for text in texts)


def format_age(seconds: float) -> str:
    """Return a time in its largest unit, such as ``12 s``, ``3 min``, ``5 h`` or ``2 d``."""
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.0f} h" if seconds < _DAY else f"{seconds / _DAY:.0f} d"


def escape(text: str) -> str:
    """Return a text in which characters that do not print are escaped."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape", "backslashreplace").decode() for each in text
    )
