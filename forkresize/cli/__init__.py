"""The command line. The only package that exits the process."""

import contextlib
import gc
import io
import os
import sys
from typing import NoReturn, TextIO

from forkresize.errors import StopRequested
from forkresize.exit_policy import ExitCode, exit_code_for_error

_STDERR = 2


def program() -> NoReturn:
    """Run the command and end the process: the entry point of the installed script."""
    # Modules stay, and looking through them takes a twentieth of the start. The run enables it.
    gc.disable()
    code = _run()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    # Finalizing the interpreter takes as long as several pictures; all files are closed and no thread runs.
    os._exit(code)


def main() -> NoReturn:
    """Run the command and raise SystemExit with its exit code."""
    sys.exit(_run())


def _run() -> int:
    _open_standard_streams()
    try:
        code = _execute(sys.argv[1:])
        sys.stdout.flush()
    except (KeyboardInterrupt, StopRequested) as stop:
        code = exit_code_for_error(stop)
    except OSError as error:
        # The reader of standard output has left, or its disk is full. Without this, the interpreter would try again.
        sys.stdout = _null("w")
        code = exit_code_for_error(error)
        if not isinstance(error, BrokenPipeError):
            from forkresize.report.terminal.plain import print_status

            print_status(str(error))
    return code


def _execute(arguments: list[str]) -> int:
    if not hasattr(os, "fork"):
        sys.stderr.write("forkresize: this system has no fork(); on Windows, run forkresize in WSL\n")
        return ExitCode.USAGE
    if arguments == ["--version"]:
        # Without loading the parser, which takes longer than everything else.
        from forkresize.cli.info.version import version_text

        sys.stdout.write(version_text() + "\n")
        return ExitCode.OK
    from forkresize.cli.command import call

    return call(arguments)


def _open_standard_streams() -> None:
    """Open /dev/null for any closed standard stream, so that no other file gets descriptor 0, 1 or 2.

    Also makes standard output escape characters that its encoding lacks.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    sys.stdin = sys.stdin or _null("r")
    sys.stdout = sys.stdout or _null("w")
    sys.stderr = sys.stderr or _null("w")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _null(mode: str) -> TextIO:
    return open(os.devnull, mode, encoding="utf-8")  # type: ignore[return-value]
