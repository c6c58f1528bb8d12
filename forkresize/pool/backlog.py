"""How many tasks a worker holds: Backlog."""

MIN_TASKS = 2
"""The current task and the next, so that a worker need not wait for the pool's process in between."""

MAX_TASKS = 32
"""The most tasks that a worker holds, however short they are."""

_SECONDS = 0.032
"""Seconds of work that a worker holds, if its tasks are short."""

_WEIGHT = 0.125
"""Of a task, in the mean of all."""


class Backlog:
    """How many tasks each worker of a pool holds, by how long tasks take.

    Several short tasks are handed out with one system call, and their results are read with one. The worker still sends
    each result at once, so what it has done is not lost with it, and nothing that comes later can change it.

    Attributes:
        limit: the most tasks that a worker holds at the moment.
    """

    def __init__(self, most: int = MAX_TASKS) -> None:
        """Start with few tasks for each; there will never be more than ``most``."""
        self.limit = MIN_TASKS
        self._most = most
        self._mean: float | None = None
        self._has_files = False

    def add(self, seconds: float, *, has_files: bool = False) -> None:
        """Account for a task that has ended.

        Args:
            seconds: how long it took.
            has_files: whether files belong to it or its result. Those that wait take descriptors and memory.
        """
        self._has_files |= has_files
        mean = self._mean
        self._mean = mean = seconds if mean is None else mean + (seconds - mean) * _WEIGHT
        if self._has_files or mean * MIN_TASKS >= _SECONDS:
            self.limit = MIN_TASKS
        else:
            self.limit = self._most if mean * self._most <= _SECONDS else int(_SECONDS / mean)

    @property
    def pause(self) -> float:
        """Seconds after which to look for results, if all workers hold as many tasks as they may; 0 for at once."""
        if self._mean is None or self.limit == MIN_TASKS:
            return 0.0
        return self.limit * self._mean / 2
