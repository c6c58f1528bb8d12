"""In which order jobs are handed out. Pure."""

import heapq
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from itertools import islice

from forkresize.job import Job

WINDOW = 4096
"""How many jobs are known ahead at most: enough that no giant is left for last, few enough that memory stays flat."""

_AHEAD = 64
"""How many jobs are looked at for each that is handed out, until the window is full: work starts at once."""


class Order(StrEnum):
    """What comes first: the largest, the first by path, or the most recent."""

    SIZE = "size"
    PATH = "path"
    MTIME = "mtime"


_KEYS: dict[Order, Callable[[Job], int]] = {
    Order.SIZE: lambda job: -job.source.size,
    Order.MTIME: lambda job: -job.source.mtime_ns,
}


def prioritize(jobs: Iterable[Job], order: Order, window: int = WINDOW) -> Iterator[Job]:
    """Yield the jobs in order, as far as a bounded window allows.

    Args:
        jobs: in the order of the walk, which is by path.
        order: what comes first.
        window: how many jobs are held at most.
    """
    if order is Order.PATH:
        yield from jobs
        return
    key = _KEYS[order]
    upcoming = enumerate(jobs)
    held: list[tuple[int, int, Job]] = []
    while True:
        for number, job in islice(upcoming, min(_AHEAD, window - len(held))):
            heapq.heappush(held, (key(job), number, job))
        if not held:
            return
        yield heapq.heappop(held)[2]
