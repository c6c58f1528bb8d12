"""Rates and utilization of a run over time."""

from collections.abc import Iterable
from typing import NamedTuple

from msgspec import Struct

_MAX_STEPS = 80
"""Maximum number of points of a curve."""

_MIN_STEP_SECONDS = 0.25
"""Minimum length of a step."""

_MIN_STEP_SOURCES = 4
"""Minimum average number of sources per step; rates of fewer are mostly noise."""


class Span(NamedTuple):
    """The processing of a source.

    Attributes:
        ended: seconds from the start of the run to its end.
        seconds: its duration.
        bytes: size of the source.
    """

    ended: float
    seconds: float
    bytes: int


class Timeline(Struct, frozen=True):
    """Curves over the time of a run; all lists have the same length.

    Attributes:
        times: the middle of each step, in seconds from the start.
        pictures: sources finished per second.
        megabytes: millions of bytes of sources finished per second.
        busy: percentage of their time that the workers spent on pictures.
    """

    times: list[float]
    pictures: list[float]
    megabytes: list[float]
    busy: list[float]


def timeline(spans: Iterable[Span], count: int, *, seconds: float, workers: int) -> Timeline:
    """Return the curves of a run.

    Args:
        spans: the processing of all sources, in any order.
        count: the number of spans.
        seconds: duration of the run.
        workers: number of concurrent workers.
    """
    steps = max(1, min(_MAX_STEPS, int(seconds / _MIN_STEP_SECONDS), count // _MIN_STEP_SOURCES))
    width = max(seconds, 1e-6) / steps
    counts, sizes, work = [0] * steps, [0] * steps, [0.0] * steps
    for span in spans:
        step = _step(span.ended, width, steps)
        counts[step] += 1
        sizes[step] += span.bytes
        _spread(span, work, width)
    return Timeline(
        times=[round((step + 0.5) * width, 3) for step in range(steps)],
        pictures=[round(count / width, 2) for count in counts],
        megabytes=[round(size / 1e6 / width, 2) for size in sizes],
        busy=[round(min(100.0, 100 * done / width / max(1, workers)), 1) for done in work],
    )


def _step(moment: float, width: float, steps: int) -> int:
    return min(steps - 1, max(0, int(moment / width)))


def _spread(span: Span, work: list[float], width: float) -> None:
    """Distribute the seconds of a span over the steps that it overlaps."""
    start = max(0.0, span.ended - span.seconds)
    for step in range(_step(start, width, len(work)), _step(span.ended, width, len(work)) + 1):
        work[step] += max(0.0, min(span.ended, (step + 1) * width) - max(start, step * width))
