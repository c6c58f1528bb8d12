"""The context of a trace as it travels between processes: W3C Trace Context, header ``traceparent``."""

import random
import re
from typing import Self

from msgspec import Struct

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL)
_SAMPLED = 1

MAX_LENGTH = 200
"""Characters of a header that are looked at. Version 00 has 55; later versions may have more."""


class TraceContext(Struct, frozen=True):
    """Identifies a span, and through it a trace.

    Attributes:
        trace_id: 32 hexadecimal digits.
        span_id: 16 hexadecimal digits.
        is_sampled: whether the trace is recorded even if it is successful.
    """

    trace_id: str
    span_id: str
    is_sampled: bool = True

    @classmethod
    def new(cls, parent: "TraceContext | None" = None, *, is_sampled: bool = True) -> Self:
        """Return the context of a new span, in the trace of its parent if it has one."""
        return cls(_random_id(16) if parent is None else parent.trace_id, _random_id(8), is_sampled)

    def child(self) -> "TraceContext":
        """Return the context of a new span below this one."""
        return TraceContext(self.trace_id, _random_id(8), self.is_sampled)

    @property
    def traceparent(self) -> str:
        """The value of the header."""
        return f"00-{self.trace_id}-{self.span_id}-{_SAMPLED if self.is_sampled else 0:02x}"


def parse_traceparent(text: str | None) -> TraceContext | None:
    """Return the context in a header; None if there is none, or it is invalid, as the recommendation demands."""
    match = _TRACEPARENT.fullmatch(text.strip()[:MAX_LENGTH]) if text else None
    if match is None:
        return None
    version, trace_id, span_id, flags, rest = match.groups()
    if version == "ff" or (version == "00" and rest) or not (int(trace_id, 16) and int(span_id, 16)):
        return None
    return TraceContext(trace_id, span_id, bool(int(flags, 16) & _SAMPLED))


def _random_id(size: int) -> str:
    """Return a random number of so many bytes, never zero, in hexadecimal digits.

    It has to be unlikely to occur twice, not hard to guess; asking the system for it takes a hundred times as long.
    """
    return f"{random.getrandbits(8 * size) or 1:0{2 * size}x}"
