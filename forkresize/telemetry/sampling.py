"""Which spans are sent: all failures, and a share of the successes that is chosen when they begin."""

from msgspec import Struct

from forkresize.telemetry.context import TraceContext

DEFAULT_RATIO = 0.05
"""The share of successful pictures and requests that are sent: one in twenty."""

_SPACE = 1 << 64


class Sampling(Struct, frozen=True):
    """Which requests and pictures are sent although they are successful.

    Attributes:
        ratio: the share of them, 0 to 1.
        follows_parent: whether the sender of a request or of a run decides, if it has traced it itself.
        is_off: whether nothing is sent, failures neither.
    """

    ratio: float = DEFAULT_RATIO
    follows_parent: bool = True
    is_off: bool = False

    def begin_trace(self, parent: TraceContext | None) -> TraceContext:
        """Return the context of a request's span, with the decision; as of OpenTelemetry's TraceIdRatioBased."""
        if parent is not None and self.follows_parent:
            return TraceContext.new(parent, is_sampled=parent.is_sampled)
        context = TraceContext.new(parent)
        return TraceContext(context.trace_id, context.span_id, self._includes(context.trace_id[16:]))

    def begin_run(self, parent: TraceContext | None) -> TraceContext:
        """Return the context of the span of a run or of a chunk, which has many pictures: it is always sent."""
        return TraceContext.new(parent, is_sampled=not (parent and self.follows_parent and not parent.is_sampled))

    def begin_linked(self, run: TraceContext | None) -> TraceContext:
        """Return the context of a span that begins a trace of its own and links to a run; see ``begin_run``."""
        return TraceContext.new(is_sampled=not (run and self.follows_parent and not run.is_sampled))

    def begin_picture(self, run: TraceContext) -> TraceContext:
        """Return the context of one of the pictures of a run or a chunk, with the decision."""
        context = run.child()
        return TraceContext(context.trace_id, context.span_id, run.is_sampled and self._includes(context.span_id))

    def _includes(self, number: str) -> bool:
        return int(number, 16) < round(self.ratio * _SPACE)
