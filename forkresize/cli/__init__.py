"""The command line: options to Recipe, Settings and observers; the only place that exits. Does no work."""

import contextlib
import io
import os
import sys
from typing import NoReturn, TextIO

from forkresize.errors import SIGNAL_BASE, ExitCode, StopRequested

_STDERR = 2


def program() -> NoReturn:
    """Be the command: what ``main`` does, in a process of its own, which ends with it."""
    code = _run()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    # Taking the interpreter apart takes as long as several pictures; all files are closed, and no thread is left.
    os._exit(code)


def main() -> NoReturn:
    """Run the command and leave with its exit code."""
    sys.exit(_run())


def _run() -> int:
    _open_standard_streams()
    try:
        code = _answer(sys.argv[1:])
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
    except StopRequested as stop:
        code = SIGNAL_BASE + stop.signum
    except OSError as error:
        # Whoever reads standard output has left, as head does, or its disk is full. The interpreter would try again.
        sys.stdout = _null("w")
        code = ExitCode.BROKEN_PIPE if isinstance(error, BrokenPipeError) else ExitCode.FATAL
        if code is ExitCode.FATAL:
            with contextlib.suppress(OSError):
                sys.stderr.write(f"forkresize: {error}\n")
    return code


def _answer(arguments: list[str]) -> int:
    if not hasattr(os, "fork"):
        sys.stderr.write("forkresize needs fork, which this system lacks. On Windows, run it in WSL.\n")
        return ExitCode.USAGE
    if arguments == ["--version"]:
        # The parser takes longer to load than this takes to answer.
        from forkresize.cli.info.version import version_text

        sys.stdout.write(version_text() + "\n")
        return ExitCode.OK
    from forkresize.cli.command import call

    return call(arguments)


def _open_standard_streams() -> None:
    """Put the null device where one of them is closed, lest a pipe or an output get its number; spare odd names."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    sys.stdin = sys.stdin or _null("r")
    sys.stdout = sys.stdout or _null("w")
    sys.stderr = sys.stderr or _null("w")
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name that the terminal's encoding lacks is shown by its escapes, as standard error does it.
        sys.stdout.reconfigure(errors="backslashreplace")


def _null(mode: str) -> TextIO:
    return open(os.devnull, mode, encoding="utf-8")  # type: ignore[return-value]
