"""Observers that print plain lines: one per outcome, and notices about waiting and stopping."""

from collections.abc import Callable, Iterator

from forkresize import units
from forkresize.observer import Observer
from forkresize.outcome import Failed, Outcome, Planned, Pruned, Skipped, Unchanged, Written
from forkresize.report.terminal.plain import (
    WAITING,
    format_failure,
    format_stopping,
    print_line,
    print_status,
    printable,
)


class OutcomeLines(Observer):
    """Print a line for each outcome, and one for each of its warnings.

    Args:
        write: prints a line; a view's ``print_line`` prints it above the view.
        executed_only: whether to leave out outputs that needed no worker.
        unchanged: whether to print those that are up to date, too.
    """

    def __init__(
        self, write: Callable[[str], object] = print_line, *, executed_only: bool = False, unchanged: bool = False
    ) -> None:
        self._write = write
        self._executed_only = executed_only
        self.wants_unchanged = unchanged

    def on_outcome(self, outcome: Outcome) -> None:
        """Print the outcome's lines."""
        if isinstance(outcome.detail, Unchanged) and not self.wants_unchanged:
            return
        if outcome.execution.attempts or not self._executed_only:
            for line in _lines(outcome):
                self._write(line)


class Notices(Observer):
    """Print remarks on the run to standard error, such as that it has to wait, or that a signal asks it to stop."""

    def on_waiting(self) -> None:
        """Print the line."""
        print_status(WAITING)

    def on_notice(self, text: str) -> None:
        """Print the line."""
        print_status(text)

    def on_stopping(self, running: int, signal: str) -> None:
        """Print the line."""
        print_status(format_stopping(running, signal))


def _lines(outcome: Outcome) -> Iterator[str]:
    path = outcome.destination if isinstance(outcome.detail, Written | Pruned) else None
    name = printable(path or outcome.source.path)
    yield "  ".join(filter(None, (f"{outcome.status:<9} {name}", _details(outcome))))
    for warning in outcome.warnings:
        yield f"{'warning':<9} {name}  {printable(warning)}"


def _details(outcome: Outcome) -> str:
    match outcome.detail:
        case Written() as written:
            sizes = f"{units.format_size(outcome.source.size)} -> {units.format_size(written.out_bytes)}"
            pixels = "{}x{} -> {}x{}".format(*written.in_size, *written.out_size)
            return f"{sizes}  {pixels}  {outcome.execution.seconds:.2f} s"
        case Failed():
            return format_failure(outcome)
        case Planned() as planned:
            return f"-> {printable(outcome.destination or '')}  {printable(planned.reason_text)}"
        case Pruned() as pruned:
            return pruned.reason_text
        case Skipped() as skipped:
            return ": ".join(filter(None, (skipped.reason, printable(skipped.error))))
        case _:
            return ""
