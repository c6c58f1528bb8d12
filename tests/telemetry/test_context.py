"""The header ``traceparent`` of W3C Trace Context."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkresize.telemetry.context import TraceContext, parse_traceparent

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize(
    ("text", "sampled"),
    [
        (f"00-{TRACE}-{SPAN}-01", True),
        (f"00-{TRACE}-{SPAN}-00", False),
        (f"00-{TRACE}-{SPAN}-ff", True),
        (f" 00-{TRACE}-{SPAN}-01\t", True),
        (f"cc-{TRACE}-{SPAN}-01", True),
        (f"cc-{TRACE}-{SPAN}-01-what-will-come", True),
    ],
)
def test_valid_headers_and_those_of_later_versions_are_read(text: str, sampled: bool) -> None:
    assert parse_traceparent(text) == TraceContext(TRACE, SPAN, sampled)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "00",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-0x",
        f"00-{TRACE}-{SPAN}-01\n00-{TRACE}-{SPAN}-01",
    ],
)
def test_invalid_headers_are_ignored(text: str | None) -> None:
    assert parse_traceparent(text) is None


@given(st.text(max_size=300))
def test_any_header_is_harmless(text: str) -> None:
    assert parse_traceparent(text) is None or re.match("[0-9a-f]{2}-", text.strip())


def test_children_are_in_the_trace_of_their_parent_and_survive_the_header() -> None:
    parent = TraceContext.new(is_sampled=False)
    child = parent.child()
    assert (child.trace_id, child.is_sampled) == (parent.trace_id, False)
    assert child.span_id != parent.span_id
    assert parse_traceparent(child.traceparent) == child
    assert TraceContext.new().trace_id != parent.trace_id
