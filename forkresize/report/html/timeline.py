"""How a run went over time: its pace and how busy its workers were. Draws nothing."""

from collections.abc import Iterable

from msgspec import Struct

_STEPS = 80
"""So many points a curve has at most; more would only be noise."""

_SHORTEST = 0.25
"""Seconds that a step lasts at least."""

_FEWEST = 4
"""Sources that a step holds at least, on average; of fewer, a pace is only noise."""


class Span(Struct, frozen=True):
    """What a worker did at a stretch.

    Attributes:
        ended: seconds from the start of the run.
        seconds: how long it took.
        bytes: size of the source.
    """

    ended: float
    seconds: float
    bytes: int


class Timeline(Struct, frozen=True):
    """Curves over the time of a run; all lists are of one length.

    Attributes:
        times: the middle of each step, in seconds from the start.
        pictures: sources finished a second.
        megabytes: millions of bytes of sources finished a second.
        busy: percentage of their time that the workers spent on pictures.
    """

    times: list[float]
    pictures: list[float]
    megabytes: list[float]
    busy: list[float]


def timeline(spans: Iterable[Span], count: int, *, seconds: float, workers: int) -> Timeline:
    """Return the curves of a run.

    Args:
        spans: all that the workers did, in any order.
        count: how many there are.
        seconds: how long the run took.
        workers: how many worked side by side.
    """
    steps = max(1, min(_STEPS, int(seconds / _SHORTEST), count // _FEWEST))
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
    """Add the seconds of a span to all steps that it reaches into."""
    begun = max(0.0, span.ended - span.seconds)
    for step in range(_step(begun, width, len(work)), _step(span.ended, width, len(work)) + 1):
        work[step] += max(0.0, min(span.ended, (step + 1) * width) - max(begun, step * width))
