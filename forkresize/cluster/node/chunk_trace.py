"""The trace of a chunk: its span, which links to that of the run, and those of its pictures."""

import time
from collections.abc import Sequence
from typing import Self

from forkresize.cluster.database.values import Lease
from forkresize.outcome import Outcome
from forkresize.telemetry.context import parse_traceparent
from forkresize.telemetry.span import MAX_TEXT, Span, known
from forkresize.telemetry.tracer import Tracer


class ChunkTrace:
    """Traces a chunk. A context manager around the work on it; the spans of pictures are sent as they are made.

    A chunk begins a trace of its own, for a run may have a million of them.

    Args:
        tracer: sends the spans.
        lease: of the chunk.
        traceparent: context of the run's span; empty for none.
        node: name of the node.
    """

    def __init__(self, tracer: Tracer, lease: Lease, traceparent: str, node: str) -> None:
        run = parse_traceparent(traceparent)
        self.context = tracer.sampling.begin_linked(run)
        """Of the chunk's span."""
        self._tracer = tracer
        self._lease = lease
        self._links = () if run is None else (run.traceparent,)
        self._node = node
        self._started = time.time()
        self._made = 0
        self._has_failed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: object, error: BaseException | None, *__: object) -> None:
        if self._tracer.is_on and (self.context.is_sampled or self._has_failed or error is not None):
            self._tracer.send([self._span(error)])

    def add(self, outcomes: Sequence[Outcome]) -> None:
        """Send the spans of a picture, if it is sampled or failed."""
        self._made += 1
        if outcomes:
            self._has_failed |= self._tracer.send_picture(outcomes, self.context)

    def _span(self, error: BaseException | None) -> Span:
        lease = self._lease
        return Span(
            name="chunk",
            context=self.context,
            started=self._started,
            ended=time.time(),
            kind="consumer",
            attributes=known(
                run=lease.run,
                chunk=lease.number,
                attempt=lease.attempt,
                handling=lease.handling.value,
                pictures=lease.count,
                made=self._made,
                node=self._node,
            ),
            links=self._links,
            error="" if error is None else (str(error) or type(error).__name__)[:MAX_TEXT],
        )
