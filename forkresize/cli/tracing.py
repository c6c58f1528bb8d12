"""The trace of a run from the command line, if the ordinary ``OTEL_*`` variables ask for one."""

import os
from contextlib import ExitStack

from forkresize.cli.arguments import Arguments
from forkresize.observer import Observer
from forkresize.report.terminal.plain import print_status
from forkresize.urls import redact

_PREFIX = "OTEL_"


def open_tracer(arguments: Arguments, stack: ExitStack) -> list[Observer]:
    """Return the observer that traces the run; none if no trace is asked for.

    Args:
        arguments: the command line.
        stack: sends the trace when it is closed.
    """
    if arguments.dry_run or not any(name.startswith(_PREFIX) for name in os.environ):
        return []
    from forkresize.telemetry.context import parse_traceparent
    from forkresize.telemetry.run_tracer import RunTracer
    from forkresize.telemetry.settings import PARENT, read_sampling
    from forkresize.telemetry.span import known

    sampling = read_sampling(os.environ, print_status)
    if sampling is None:
        return []
    about = known(
        destination=redact_location(arguments.destination),
        source_locations=" ".join(map(redact_location, arguments.sources)),
    )
    parent = parse_traceparent(os.environ.get(PARENT))
    return [stack.enter_context(RunTracer(sampling, parent, about, print_status))]


def redact_location(location: str) -> str:
    """Return a path or URL as valid text without secrets."""
    return redact(location).encode(errors="replace").decode()
