r"""Text that is safe to print anywhere: escaped names, status lines, and the summary for runs without a terminal."""

import contextlib
import os
import sys
import unicodedata
from collections.abc import Iterable, Mapping
from itertools import accumulate, takewhile

from forkresize.exit_policy import ExitCode
from forkresize.loss import format_losses
from forkresize.outcome import Failed, Outcome
from forkresize.summary import Summary

MAX_SHOWN = 20
"""Failures to show to a person; reports hold all of them."""

WAITING = "waiting for another run to free the destination"

_LEFT_OUT_BY = {
    "rules": "--include and --exclude excluded",
    "recursive": "--no-recursive excluded",
    "hidden": "without --hidden, it leaves out",
}
"""How a setting left out files, for those whose flags are not named like their fields."""

_MAX_ERROR = 300
"""Terminal cells of an error's text to show; reports hold all of it."""

_ELLIPSIS = "…"


def format_stopping(running: int, signal: str) -> str:
    """Return that the run stops after the pictures in progress, and how to stop at once."""
    again = "press Ctrl-C again" if signal == "SIGINT" else f"send {signal} again"
    return f"stopping: finishing {format_count(running, 'picture')}; {again} to stop now"


def printable(name: str, limit: int | None = None) -> str:
    r"""Return text, such as a file name, in a form that cannot control or garble a terminal.

    Control and format characters (including bidirectional overrides), line separators, lone surrogates and other
    unprintable characters become Python's escapes, such as ``\n``, ``\x1b`` and ``\u202e``; a byte that was not valid
    UTF-8 becomes ``\xff``. Backslashes are not escaped: the result is for reading and cannot be converted back.

    Args:
        name: the text, with ``surrogateescape`` for bytes that could not be decoded.
        limit: maximum number of terminal cells; longer text is cut in the middle.
    """
    shown = name if name.isprintable() else "".join(map(_escape, name))
    return shown if limit is None else _shorten(shown, limit)


def print_line(line: str) -> None:
    """Write a line to standard error. Errors are ignored: a lost terminal must not end the run."""
    with contextlib.suppress(OSError):
        sys.stderr.write(line + "\n")


def print_status(message: str) -> None:
    """Write a message to standard error, each line escaped and after the name of the command."""
    for line in message.splitlines():
        print_line(f"forkresize: {printable(line)}")


def format_failure(failure: Outcome) -> str:
    """Return why an output failed, as one line of printable text."""
    signal = failure.detail.signal if isinstance(failure.detail, Failed) else None
    signal = signal if signal and signal not in failure.error else None
    return ": ".join(printable(part, _MAX_ERROR) for part in (failure.reason, signal, failure.error) if part)


def remaining_failures(summary: Summary, report: str | None) -> str:
    """Return a line about the failures beyond the first ones, empty if there are none.

    Args:
        summary: the run's summary.
        report: path of a report that holds all failures, if there is one.
    """
    rest = summary.failed - min(MAX_SHOWN, len(summary.failures))
    if not rest:
        return ""
    place = f"see {printable(report)}" if report else "use --report FILE.jsonl to keep them all"
    return f"{_ELLIPSIS} and {rest:,} more: {place}"


def plain_summary(summary: Summary, *, report: str | None = None) -> str:
    """Return the summary of a run with problems, as cron sends it: counts, warnings, failures, where the others are.

    Args:
        summary: the run's summary.
        report: path of a report that holds all failures, if there is one.
    """
    lines = [f"forkresize: {_counts(summary)}"]
    lines += [f"forkresize: warnings: {format_losses(summary.losses)}"] if summary.losses else []
    lines += [f"{printable(each.source.path)}: {format_failure(each)}" for each in summary.failures[:MAX_SHOWN]]
    lines += filter(None, [remaining_failures(summary, report)])
    return "\n".join(lines)


def plain_preview(summary: Summary) -> str:
    """Return the totals of a dry run."""
    return f"{_format_counts(summary, 'planned')}; nothing was changed (--dry-run)"


def format_up_to_date(summary: Summary) -> str:
    """Return a line for a run that had nothing to do; empty if it had."""
    if not summary.is_up_to_date or summary.stopped_by or summary.refused:
        return ""
    others = f"; {summary.without_picture:,} skipped" if summary.without_picture else ""
    return f"everything is up to date ({format_count(summary.sources - summary.without_picture, 'picture')}{others})"


def format_nothing_found(summary: Summary, left_out: Mapping[str, int]) -> str:
    """Return that there was no picture, and why.

    Args:
        summary: the run's summary.
        left_out: how many files each setting leaves out; the number of all files as ``sources``.
    """
    reasons = [
        f"{_LEFT_OUT_BY.get(field) or f'--{field} excluded'.replace('_', '-')} {format_count(count, 'file')}"
        for field, count in left_out.items()
        if field != "sources"
    ]
    reasons += [f"{count:,} skipped: {reason}" for reason, count in summary.skipped_by_reason.items()]
    if left_out.get("sources") == 0 and not reasons:
        reasons = ["there are no files"]
    return "; ".join(filter(None, ("no pictures found", ", ".join(reasons))))


def format_count(count: int, noun: str) -> str:
    """Return a number of things, such as ``1 picture`` and ``2,000 pictures``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _counts(summary: Summary) -> str:
    return "; ".join(filter(None, (_format_counts(summary, "written"), _explain_exit(summary))))


def _format_counts(summary: Summary, done: str) -> str:
    statuses = ("failed", done, "unchanged", "skipped", *(("pruned",) if summary.pruned else ()))
    return ", ".join(f"{getattr(summary, status):,} {status}" for status in statuses)


def _explain_exit(summary: Summary) -> str:
    """Return the reason for the exit code, unless the failures show it."""
    if summary.stopped_by:
        return f"stopped by {printable(summary.stopped_by)}"
    if summary.refused:
        return format_refusal(summary.refused)
    if summary.exit_code == ExitCode.NOTHING_MATCHED:
        return "no images found (--error-on-empty)"
    if summary.exit_code == ExitCode.WARNINGS:
        return "outputs lost a part of their images (--warnings fail)"
    if summary.failed or not summary.exit_code:
        return ""
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in summary.skipped_by_reason.items())
    what = "the source was skipped" if summary.sources == 1 else "sources were skipped (--strict)"
    return f"{what}: {reasons}"


def format_refusal(refused: str) -> str:
    """Return why nothing was pruned, with the options that decide it and that show what it is about."""
    return f"{printable(refused)} (--max-prune; with --dry-run, it lists them)"


def _escape(character: str) -> str:
    if character.isprintable() or unicodedata.category(character) == "Zs":
        return character
    if "\udc80" <= character <= "\udcff":
        return f"\\x{os.fsencode(character)[0]:02x}"
    return character.encode("unicode_escape").decode("ascii")


def _shorten(text: str, limit: int) -> str:
    if sum(map(_cells, text)) <= max(0, limit):
        return text
    room = limit - len(_ELLIPSIS)
    if room < 0:
        return ""
    tail = text[len(text) - _count_fitting(reversed(text), room // 2) :]
    head = text[: _count_fitting(text, room - sum(map(_cells, tail)))]
    return head + _ELLIPSIS + tail


def _count_fitting(characters: Iterable[str], room: int) -> int:
    """Return how many of the characters fit into a number of cells."""
    return sum(1 for _ in takewhile(lambda cells: cells <= room, accumulate(map(_cells, characters))))


def _cells(character: str) -> int:
    if character.isascii():
        return 1
    if unicodedata.category(character) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
