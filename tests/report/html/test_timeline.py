"""Rates and utilization over time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkresize.report.html.timeline import Span, timeline

seconds = st.floats(0.01, 10_000)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.integers(0, 10**9)), max_size=300), seconds)
def test_totals_are_kept_across_steps(parts: list[tuple[float, float, int]], length: float) -> None:
    spans = [Span(ended=end * length, seconds=share * end * length, bytes=size) for end, share, size in parts]
    # Enough workers that utilization stays below 100 %.
    curves = timeline(spans, len(spans), seconds=length, workers=300)
    steps = len(curves.times)
    width = length / steps
    assert len(curves.pictures) == len(curves.megabytes) == len(curves.busy) == steps <= 80
    assert sum(curves.pictures) * width == pytest.approx(len(spans), abs=0.006 * length + 1e-6)
    assert sum(curves.megabytes) * width == pytest.approx(sum(span.bytes for span in spans) / 1e6, abs=0.006 * length)
    assert sum(curves.busy) / 100 * width * 300 == pytest.approx(sum(span.seconds for span in spans), abs=0.2 * length)


def test_workers_are_busy_during_their_spans() -> None:
    spans = [Span(ended=4.0, seconds=2.0, bytes=0), *[Span(ended=8.0, seconds=0.0, bytes=0)] * 31]
    curves = timeline(spans, 32, seconds=8, workers=1)
    assert curves.times == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5]
    assert curves.busy == [0, 0, 100, 100, 0, 0, 0, 0]


@pytest.mark.parametrize("length", [0.0, 0.001])
def test_run_without_duration_has_one_step(length: float) -> None:
    curves = timeline([Span(ended=0.0, seconds=0.0, bytes=1)], 1, seconds=length, workers=0)
    assert len(curves.times) == 1
