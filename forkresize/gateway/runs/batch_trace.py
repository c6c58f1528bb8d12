"""The trace of a batch, from the process that does it: the span of its run follows from that of the request."""

import os
import sys
from contextlib import ExitStack

from forkresize.gateway.runs.messages import BatchOrder
from forkresize.observer import Observer
from forkresize.telemetry.context import parse_traceparent
from forkresize.telemetry.run_tracer import RunTracer
from forkresize.telemetry.settings import read_sampling
from forkresize.telemetry.span import known


def open_tracer(order: BatchOrder, stack: ExitStack) -> list[Observer]:
    """Return the observer that traces a batch; none if no trace is asked for.

    Args:
        order: of the batch.
        stack: sends the trace when it is closed.
    """
    sampling = read_sampling(os.environ, _warn)
    if sampling is None:
        return []
    parent = parse_traceparent(order.traceparent)
    return [stack.enter_context(RunTracer(sampling, parent, known(run=order.run), _warn))]


def _warn(text: str) -> None:
    # The gateway writes it to its log.
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
