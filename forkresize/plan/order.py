"""The order in which jobs are processed. Pure."""

import heapq
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING

from forkresize.job import Job

if TYPE_CHECKING:
    from forkresize.pool import NothingYet

WINDOW = 4096
"""Maximum number of jobs to look ahead: enough that large pictures do not come last, with little memory."""

_AHEAD = 64
"""Number of jobs to read for each one that is yielded, until the window is full: work starts at once."""


class Order(StrEnum):
    """Which sources come first: the largest, the first by path, or the latest."""

    SIZE = "size"
    PATH = "path"
    MTIME = "mtime"


_KEYS: dict[Order, Callable[[Job], int]] = {
    Order.SIZE: lambda job: -job.source.size,
    Order.MTIME: lambda job: -job.source.mtime_ns,
}


def prioritize(jobs: "Iterable[Job | NothingYet]", order: Order, window: int = WINDOW) -> "Iterator[Job | NothingYet]":
    """Yield the jobs in order, within a bounded window. While there is no other job yet, the window is not filled.

    Args:
        jobs: in the order of the walk, which is by path.
        order: which sources come first.
        window: maximum number of jobs to hold.
    """
    if order is Order.PATH:
        yield from jobs
        return
    key = _KEYS[order]
    upcoming = enumerate(jobs)
    held: list[tuple[int, int, Job]] = []
    while True:
        waiting = None
        for number, job in islice(upcoming, min(_AHEAD, window - len(held))):
            if not isinstance(job, Job):
                waiting = job
                break
            heapq.heappush(held, (key(job), number, job))
        if held:
            yield heapq.heappop(held)[2]
        elif waiting is not None:
            yield waiting
        else:
            return
