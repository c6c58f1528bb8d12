"""The tracer of a process that never forks: makes spans, and sends them from a thread."""

import os
from collections.abc import Mapping, Sequence
from typing import Self

from forkresize.outcome import Outcome
from forkresize.telemetry.context import TraceContext
from forkresize.telemetry.pictures import has_failed, is_skipped, trace_picture
from forkresize.telemetry.sampling import Sampling
from forkresize.telemetry.settings import Warn, read_sampling
from forkresize.telemetry.span import Span


class Tracer:
    """Sends spans, if traces are asked for; otherwise it does nothing. A context manager; any thread may use it.

    Args:
        service: name of the program.
        warn: is called with what goes wrong.
        environment: the variables that say which traces are sent, and where.
    """

    def __init__(self, service: str, warn: Warn, environment: Mapping[str, str] = os.environ) -> None:
        found = read_sampling(environment, warn)
        self.sampling = found or Sampling(0.0, is_off=True)
        self._sender = None
        if found is not None:
            from forkresize.telemetry.export import SpanSender

            self._sender = SpanSender(service)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def is_on(self) -> bool:
        """Whether spans are sent."""
        return self._sender is not None

    def send(self, spans: Sequence[Span]) -> None:
        """Send spans, without waiting."""
        if self._sender is not None:
            self._sender.send(spans)

    def send_picture(self, outcomes: Sequence[Outcome], parent: TraceContext) -> bool:
        """Send the spans of a picture if it is sampled or failed; return whether it failed.

        Args:
            outcomes: of the picture.
            parent: the context of the span of its run or chunk.
        """
        failed = has_failed(outcomes)
        if self._sender is not None and not is_skipped(outcomes):
            context = self.sampling.begin_picture(parent)
            if context.is_sampled or failed:
                self._sender.send(trace_picture(outcomes, context, parent))
        return failed

    def close(self) -> None:
        """Send what waits, for a bounded time."""
        if self._sender is not None:
            self._sender.close()
