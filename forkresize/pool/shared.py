"""Memory that a forked worker and the pool share: Slot and Flag. Needs no system call and no lock to be read."""

import mmap
import time


class CurrentTask:
    """Which job a worker is on and since when; exact even if the worker is killed at any instant.

    The time is stored before the number, and a reader reads again until the number stands still. So a number is never
    seen with an earlier job's time; it may be seen with a later one's, which only puts its deadline off.
    """

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, mmap.PAGESIZE)
        self._view = memoryview(self._memory)
        # One aligned word each, so that either is stored whole.
        self._times = self._view[:8].cast("d")
        self._numbers = self._view[8:16].cast("Q")

    def begin(self, number: int) -> float:
        """Note that the job of this number starts now; return the time, of the clock ``time.monotonic``."""
        now = time.monotonic()
        self._times[0] = now
        self._numbers[0] = number
        return now

    def read(self) -> tuple[int, float]:
        """Return the number of the job last begun, 0 for none yet, and the time it was begun at."""
        number = self._numbers[0]
        while True:
            since = self._times[0]
            again = self._numbers[0]
            if again == number:
                return number, since
            number = again

    def close(self) -> None:
        """Give the memory back; the slot can't be used any more."""
        for view in (self._times, self._numbers, self._view):
            view.release()
        self._memory.close()


class SharedFlag:
    """A flag that is raised once, for this process and all that it has forked or will fork."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, mmap.PAGESIZE)

    def __bool__(self) -> bool:
        return self._memory[0] != 0

    def set(self) -> None:
        """Raise the flag; it never comes down."""
        self._memory[0] = 1
