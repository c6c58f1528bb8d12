"""The exit code of the command: decided here, for every way in which a run can end."""

from enum import IntEnum
from typing import TYPE_CHECKING

from forkresize.errors import DestinationBusyError, ForkresizeError, StopRequested, UsageError

if TYPE_CHECKING:
    from forkresize.tally import Counts


class ExitCode(IntEnum):
    """How a run ended, as the shell sees it."""

    OK = 0
    """Every requested output exists and is up to date."""
    FAILURES = 1
    """The run finished; at least one picture failed, or the only file that was named was skipped."""
    USAGE = 2
    """A usage or settings error; nothing was done."""
    FATAL = 3
    """Source missing, destination not writable, disk full."""
    MAX_ERRORS = 4
    """Stopped early by ``--max-errors``."""
    NOTHING_MATCHED = 9
    """There was no picture, with ``--error-on-empty``."""
    MAX_DURATION = 10
    """Stopped early by ``--max-duration``; the next run continues."""
    STOPPED = 11
    """Stopped early by an observer of the library; the next run continues."""
    WARNINGS = 12
    """Every output was made; at least one lost a part of its source, with ``--warnings fail``."""
    BUG = 70
    """A bug in forkresize (``EX_SOFTWARE`` of sysexits.h)."""
    LOCKED = 75
    """Another run holds the destination (``EX_TEMPFAIL`` of sysexits.h: try again later)."""
    INTERRUPTED = 130
    """SIGINT before or after the run; during the run, 128 + the number of the signal."""
    BROKEN_PIPE = 141
    """The reader of standard output ended, as ``head`` does."""


SIGNAL_BASE = 128
"""Added to the number of the signal that ended a command, as shells do."""

_ERRORS = (
    (UsageError, ExitCode.USAGE),
    (DestinationBusyError, ExitCode.LOCKED),
    (ForkresizeError, ExitCode.FATAL),
    (KeyboardInterrupt, ExitCode.INTERRUPTED),
    (BrokenPipeError, ExitCode.BROKEN_PIPE),
    (OSError, ExitCode.FATAL),
)
"""Types of errors; the first that fits decides. All others are bugs."""


def exit_code_for_error(error: BaseException) -> int:
    """Return the exit code of a command that an error ended."""
    if isinstance(error, StopRequested):
        return exit_code_for_signal(error.signum)
    return next((code for kind, code in _ERRORS if isinstance(error, kind)), ExitCode.BUG)


def exit_code_for_signal(signum: int) -> int:
    """Return the exit code of a run that a stop signal ended early."""
    return SIGNAL_BASE + signum


def exit_code_for_counts(
    counts: "Counts",
    *,
    strict: bool = False,
    only_file: bool = False,
    error_on_empty: bool = False,
    error_on_loss: bool = False,
) -> ExitCode:
    """Return the exit code of a run that finished.

    Args:
        counts: its outcomes.
        strict: whether skipped sources are failures, unless their outputs exist.
        only_file: whether the source is one file that was named: without an output, it is a failure.
        error_on_empty: whether it is a failure if there was no picture.
        error_on_loss: whether it is a failure if an output lost a part of its source.
    """
    if counts.failed:
        return ExitCode.FAILURES
    if error_on_empty and counts.is_empty:
        return ExitCode.NOTHING_MATCHED
    if (strict and counts.without_output) or (only_file and counts.outputs == counts.without_output):
        return ExitCode.FAILURES
    return ExitCode.WARNINGS if error_on_loss and counts.losses else ExitCode.OK
