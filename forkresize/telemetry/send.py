"""The child that sends the spans of a process that forks: ``python -m forkresize.telemetry.send SERVICE < SPANS``."""

import logging
import os
import sys

from forkresize.extras import install_command
from forkresize.telemetry.span import MAX_TEXT
from forkresize.telemetry.spool import MAX_SPANS, read_spans

_FAILED = 1


class _LastProblem(logging.Handler):
    """Keeps the last warning of the exporter, and whether there was an error: warnings are attempts to be repeated."""

    text = ""
    is_error = False

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the text."""
        self.text = " ".join(record.getMessage().split())[:MAX_TEXT]
        self.is_error |= record.levelno >= logging.ERROR


def main() -> int:
    """Send what comes on standard input; print an error, and return the exit code."""
    service = sys.argv[1]
    try:
        from forkresize.telemetry.export import CLOSE_SECONDS, SpanSender
    except ImportError as error:
        sys.stderr.write(f"{error.name} is missing: {install_command('otel')}\n")
        return _FAILED
    problem = _LastProblem()
    logging.basicConfig(handlers=[problem], level=logging.WARNING)
    # All of them may wait.
    sender = SpanSender(service, 2 * MAX_SPANS)
    sender.send(read_spans(sys.stdin.fileno()))
    is_complete = sender.close(CLOSE_SECONDS)
    if is_complete and not problem.is_error:
        return 0
    sys.stderr.write(f"{problem.text or 'the collector did not answer in time'}\n")
    return _FAILED


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    # The thread of a request that is under way must not keep this process.
    os._exit(code)
