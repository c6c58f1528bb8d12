"""Memory that a forked worker shares with the pool's process; read and written without system calls or locks."""

import mmap
import time


class CurrentTask:
    """Which task a worker is on, and since when. Exact even if the worker is killed at any instant.

    The writer stores the time before the number, and the reader repeats until the number is stable. So a number is
    never seen with an earlier task's time. It may be seen with a later one's, which only delays its deadline.
    """

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, mmap.PAGESIZE)
        self._view = memoryview(self._memory)
        # One aligned word each, so that each store is atomic.
        self._times = self._view[:8].cast("d")
        self._numbers = self._view[8:16].cast("Q")

    def set(self, number: int) -> float:
        """Record that a task starts now; return the time, by ``time.monotonic``."""
        now = time.monotonic()
        self._times[0] = now
        self._numbers[0] = number
        return now

    def read(self) -> tuple[int, float]:
        """Return the number of the task started last, 0 for none, and the time of its start."""
        number = self._numbers[0]
        while True:
            since = self._times[0]
            again = self._numbers[0]
            if again == number:
                return number, since
            number = again

    def close(self) -> None:
        """Unmap the memory."""
        for view in (self._times, self._numbers, self._view):
            view.release()
        self._memory.close()


class SharedFlag:
    """A flag that can be set once, for this process and all that it has forked or will fork."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, mmap.PAGESIZE)

    def __bool__(self) -> bool:
        return self._memory[0] != 0

    def set(self) -> None:
        """Set the flag; it cannot be cleared."""
        self._memory[0] = 1
