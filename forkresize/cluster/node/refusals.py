"""The runs that a node leaves to others, and their chunks, which are announced again a moment later."""

import threading
import time
from collections.abc import Callable
from itertools import islice

_PAUSE = 1.0
"""Seconds before a chunk is announced again, so that this node does not get it at once."""

_BATCH = 25
_INTERVAL = 0.5
"""How many chunks are announced at once, and after how many seconds the next ones."""

_REPEAT = 5.0
"""Seconds after which a run is looked at again, and its refusal recorded again."""

_MAX_CHUNKS = 10_000
"""Chunks that are kept. Any idle node announces others, as if their messages were lost."""

_MAX_RUNS = 256


class Refusals:
    """The runs that this node has refused, and their chunks that are to be announced. May be used by any thread.

    Args:
        clock: returns the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._runs: dict[int, tuple[str, float]] = {}
        self._chunks: dict[int, dict[int, float]] = {}
        self._next = 0.0

    def is_recent(self, run: int) -> bool:
        """Return whether a run was refused a moment ago, so that nothing can have changed."""
        with self._lock:
            _, until = self._runs.get(run, ("", 0.0))
            return self._clock() < until

    def note(self, run: int, reason: str) -> bool:
        """Note that a run is refused; return whether the reason is new."""
        with self._lock:
            former, _ = self._runs.pop(run, ("", 0.0))
            self._runs[run] = reason, self._clock() + _REPEAT
            if len(self._runs) > _MAX_RUNS:
                del self._runs[next(iter(self._runs))]
            return reason != former

    def add(self, run: int, chunk: int) -> None:
        """Keep a chunk to announce."""
        with self._lock:
            if sum(map(len, self._chunks.values())) < _MAX_CHUNKS:
                self._chunks.setdefault(run, {}).setdefault(chunk, self._clock() + _PAUSE)

    def take(self, *, at_once: bool = False) -> list[tuple[int, int]]:
        """Return the chunks to announce now, as numbers of runs and chunks; they are not kept any longer.

        Args:
            at_once: whether to return all of them.
        """
        with self._lock:
            now = self._clock()
            if now < self._next and not at_once:
                return []
            self._next = now + _INTERVAL
            # No run waits for the many chunks of another one.
            share = _MAX_CHUNKS if at_once else max(1, _BATCH // max(1, len(self._chunks)))
            taken = [
                (run, chunk)
                for run, chunks in self._chunks.items()
                for chunk, due in islice(chunks.items(), share)
                if due <= now or at_once
            ]
            for run, chunk in taken:
                del self._chunks[run][chunk]
            self._chunks = {run: chunks for run, chunks in self._chunks.items() if chunks}
            return taken
