"""Tells people that another run is waited for. Waits for nothing itself."""

from collections.abc import Callable

from forkresize.outcome import Outcome


class WaitNotice:
    """A reporter that prints one line if another run has to end first.

    Args:
        print_line: where it goes.
    """

    def __init__(self, print_line: Callable[[str], object]) -> None:
        self._print_line = print_line

    def __call__(self, outcome: Outcome) -> None:
        """Say nothing about outcomes."""

    def on_waiting_for_lock(self) -> None:
        """Say what is waited for."""
        self._print_line("waiting for another run to free the destination")
