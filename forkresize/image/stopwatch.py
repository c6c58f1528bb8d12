"""How long the stages of one picture take. Decides nothing."""

from collections import defaultdict
from time import perf_counter


class Stopwatch:
    """Adds up the wall time of stages that take turns.

    Attributes:
        seconds: by the stage's name.
    """

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._last = perf_counter()

    def lap(self, stage: str) -> None:
        """Count the time since the last lap, or since the start, to a stage."""
        now = perf_counter()
        self.seconds[stage] += now - self._last
        self._last = now

    def take(self, stage: str) -> float:
        """Return what was counted to a stage, and count it from zero again."""
        return self.seconds.pop(stage, 0.0)
