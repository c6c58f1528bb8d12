r"""Text that is safe to show anywhere: names without syntax, and the summary without a terminal.

Knows no colors and no widths but a character's own.
"""

import os
import unicodedata
from collections.abc import Iterable
from itertools import accumulate, takewhile

from forkresize.errors import ExitCode
from forkresize.outcome import Failed, Outcome
from forkresize.summary import Summary

MAX_SHOWN = 20
"""So many failures are shown to a person; a report holds them all."""

_MAX_ERROR = 300
"""Cells of an error's text that are shown; a report holds all of it."""

_ELLIPSIS = "…"


def printable(name: str, limit: int | None = None) -> str:
    r"""Return text, such as a file name, so that it can neither style nor garble a terminal.

    Control and format characters (bidirectional overrides too), line separators, lone surrogates and whatever else
    has no shape become Python's escapes, such as ``\n``, ``\x1b`` and ``\u202e``; a byte that was no valid UTF-8
    becomes ``\xff``. All else stays, backslashes too: the result is to be read, not to be turned back.

    Args:
        name: the text, with ``surrogateescape`` for bytes that could not be decoded.
        limit: cells of a terminal that it may take; what is longer is cut in the middle.
    """
    shown = name if name.isprintable() else "".join(map(_visible, name))
    return shown if limit is None else _shortened(shown, limit)


def format_failure(failure: Outcome) -> str:
    """Return why a source failed, on one line of printable text."""
    signal = failure.detail.signal if isinstance(failure.detail, Failed) else None
    signal = signal if signal and signal not in failure.error else None
    return ": ".join(printable(part, _MAX_ERROR) for part in (failure.reason, signal, failure.error) if part)


def remaining_failures(summary: Summary, report: str | None) -> str:
    """Return where the failures are that are not shown; nothing if all are.

    Args:
        summary: what the run came to.
        report: the path of a report that holds them all, if one was asked for.
    """
    rest = summary.failed - min(MAX_SHOWN, len(summary.failures))
    if not rest:
        return ""
    return f"{_ELLIPSIS} and {rest:,} more: " + (
        f"see {printable(report)}" if report else "use --report FILE.jsonl to keep them all"
    )


def plain_summary(summary: Summary, *, report: str | None = None) -> str:
    """Return what cron mails when something failed: the counts, the first failures, where the rest are.

    Args:
        summary: what the run came to.
        report: the path of a report that holds all failures, if one was asked for.
    """
    lines = [f"forkresize: {_counts(summary)}"]
    lines += [
        f"{printable(failure.source.path)}: {format_failure(failure)}" for failure in summary.failures[:MAX_SHOWN]
    ]
    lines += filter(None, [remaining_failures(summary, report)])
    return "\n".join(lines)


def _counts(summary: Summary) -> str:
    shown = ("failed", "written", "unchanged", "skipped", *(("pruned",) if summary.pruned else ()))
    told = [f"{getattr(summary, status):,} {status}" for status in shown]
    return "; ".join(filter(None, (", ".join(told), _explain_exit(summary))))


def _explain_exit(summary: Summary) -> str:
    """Return why a run is not well, where its failures don't tell."""
    if summary.stopped_by:
        return f"stopped by {printable(summary.stopped_by)}"
    if summary.refused:
        return printable(summary.refused)
    if summary.exit_code == ExitCode.NOTHING_MATCHED:
        return "there was no picture, as --error-on-empty demands"
    if summary.failed or not summary.exit_code:
        return ""
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in summary.skipped_by_reason.items())
    return f"by --strict, none may be skipped: {reasons}"


def _visible(character: str) -> str:
    if character.isprintable() or unicodedata.category(character) == "Zs":
        return character
    if "\udc80" <= character <= "\udcff":
        return f"\\x{os.fsencode(character)[0]:02x}"
    return character.encode("unicode_escape").decode("ascii")


def _shortened(text: str, limit: int) -> str:
    if sum(map(_cells, text)) <= max(0, limit):
        return text
    room = limit - len(_ELLIPSIS)
    if room < 0:
        return ""
    tail = text[len(text) - _fitting(reversed(text), room // 2) :]
    head = text[: _fitting(text, room - sum(map(_cells, tail)))]
    return head + _ELLIPSIS + tail


def _fitting(characters: Iterable[str], room: int) -> int:
    """Return how many of the characters fit."""
    return sum(1 for _ in takewhile(lambda taken: taken <= room, accumulate(map(_cells, characters))))


def _cells(character: str) -> int:
    if character.isascii():
        return 1
    if unicodedata.category(character) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
