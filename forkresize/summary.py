"""The summary of a finished run."""

from copy import copy

from msgspec import Struct

from forkresize._version import __version__
from forkresize.exit_policy import exit_code_for_counts
from forkresize.record import record
from forkresize.tally import Counts, Tally

SCHEMA = 1
"""Version of the JSON summary. Increase it when the meaning of a field changes."""


class ExecutorStats(Struct, frozen=True, kw_only=True):
    """The workers of a run, and what they took.

    Attributes:
        workers: how many could work at the same time.
        workers_lost: how many died.
        busy_seconds: wall time that all workers together spent on pictures.
        memory: bytes that all workers together could use.
        memory_peak: bytes that they used at most, measured ten times per second.
        sandbox: names of the sandbox layers that were active, such as ``landlock:5`` and ``seccomp``.
        sandbox_missing: names of the layers that the system does not support.
    """

    workers: int
    workers_lost: int = 0
    busy_seconds: float = 0.0
    memory: int = 0
    memory_peak: int = 0
    sandbox: tuple[str, ...] = ()
    sandbox_missing: tuple[str, ...] = ()


class RunStats(ExecutorStats, frozen=True, kw_only=True):
    """The workers and the time of a run, its wall time in seconds."""

    seconds: float

    @property
    def utilization(self) -> float:
        """The share of their time, 0 to 1, that the workers spent on pictures."""
        offered = self.workers * self.seconds
        return min(1.0, max(0.0, self.busy_seconds / offered)) if offered else 0.0


# msgspec freezes a subclass of a Struct that is not frozen, unlike dataclasses, whose rules mypy applies.
class Summary(Counts, frozen=True, kw_only=True):  # type: ignore[misc]
    """The summary of a run.

    Attributes:
        stats: the workers and the time of the run.
        exit_code: of the command.
        stopped_by: what ended the run early, such as ``SIGINT``.
        refused: what was requested and not done, and why.
    """

    stats: RunStats
    exit_code: int
    stopped_by: str | None = None
    refused: str | None = None

    @property
    def memory_used(self) -> int:
        """Bytes that the workers used at most. A run too short to measure all of them counts the largest one."""
        return max(self.stats.memory_peak, self.peak_rss)

    @property
    def pictures_per_second(self) -> float:
        """Outputs made in a second of wall time."""
        return self.written / self.stats.seconds if self.stats.seconds else 0.0

    @property
    def megapixels_per_second(self) -> float:
        """Millions of pixels read for written outputs in a second of wall time."""
        return self.in_pixels / 1e6 / self.stats.seconds if self.stats.seconds else 0.0

    def to_json(self) -> dict[str, object]:
        """Return the fields that ``--json`` prints, in their documented order and ready for JSON."""
        return {
            "schema": SCHEMA,
            "version": __version__,
            "sources": self.sources,
            "written": self.written,
            "unchanged": self.unchanged,
            "skipped": self.skipped,
            "failed": self.failed,
            "pruned": self.pruned,
            "in_bytes": self.in_bytes,
            "out_bytes": self.out_bytes,
            "in_pixels": self.in_pixels,
            "seconds": round(self.stats.seconds, 6),
            "pictures_per_second": round(self.pictures_per_second, 3),
            "megapixels_per_second": round(self.megapixels_per_second, 3),
            "workers": self.stats.workers,
            "workers_lost": self.stats.workers_lost,
            "memory": self.stats.memory,
            "sandbox": list(self.stats.sandbox),
            "warnings": {str(loss): count for loss, count in sorted(self.losses.items())},
            "exit_code": int(self.exit_code),
            "failures": [record(failure) for failure in self.failures],
        }


def summarize(
    tally: Tally,
    stats: RunStats,
    *,
    exit_code: int | None = None,
    stopped_by: str | None = None,
    refused: str | None = None,
) -> Summary:
    """Return the summary of a run; see ``Summary``. By default, the exit code depends on the failures alone."""
    if exit_code is None:
        exit_code = exit_code_for_counts(tally)
    counts = {name: copy(getattr(tally, name)) for name in Counts.__struct_fields__}
    return Summary(**counts, stats=stats, exit_code=exit_code, stopped_by=stopped_by, refused=refused)
