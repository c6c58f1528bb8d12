"""One plain line an outcome, for people who want to read along. Draws no bar."""

import contextlib
import sys
from collections.abc import Callable, Iterator

from forkresize import units
from forkresize.outcome import Failed, Outcome, Planned, Pruned, Skipped, Written
from forkresize.report.terminal.plain import format_failure, printable


def _to_stderr(line: str) -> None:
    # The pictures matter more than who reads along.
    with contextlib.suppress(OSError):
        sys.stderr.write(line + "\n")


class OutcomeLines:
    """A reporter that prints a line an outcome, and one for each of its warnings.

    Args:
        print_line: where lines go; a view's ``print_line`` puts them above the view.
    """

    def __init__(self, print_line: Callable[[str], object] = _to_stderr) -> None:
        self._print_line = print_line

    def __call__(self, outcome: Outcome) -> None:
        """Print the outcome's lines."""
        for line in _lines(outcome):
            self._print_line(line)


def _lines(outcome: Outcome) -> Iterator[str]:
    path = outcome.destination if isinstance(outcome.detail, Written | Pruned) else None
    name = printable(path or outcome.source.path)
    yield "  ".join(filter(None, (f"{outcome.status:<9} {name}", _particulars(outcome))))
    for warning in outcome.warnings:
        yield f"{'warning':<9} {name}  {printable(warning)}"


def _particulars(outcome: Outcome) -> str:
    detail = outcome.detail
    match detail:
        case Written():
            return _work(outcome, detail)
        case Failed():
            return format_failure(outcome)
        case Planned():
            return f"-> {printable(outcome.destination or '')}  {printable(detail.reason_text)}"
        case Skipped():
            return ": ".join(filter(None, (outcome.reason, printable(outcome.error))))
        case _:
            return ""


def _work(outcome: Outcome, detail: Written) -> str:
    sizes = f"{units.format_size(outcome.source.size)} -> {units.format_size(detail.out_bytes)}"
    sides = "{}x{} -> {}x{}".format(*detail.in_size, *detail.out_size)
    return f"{sizes}  {sides}  {outcome.execution.seconds:.2f} s"
