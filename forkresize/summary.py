"""Counts of outcomes while a run goes on, and the summary of a finished run."""

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, assert_never

from msgspec import Struct

from forkresize._version import __version__
from forkresize.exit_policy import exit_code_for_counts
from forkresize.outcome import Failed, Outcome, Planned, Pruned, Reason, Skipped, Unchanged, Written
from forkresize.record import record

if TYPE_CHECKING:
    from forkresize.job import Source

MAX_FAILURES = 1_000
"""How many failures are kept. Others are only counted, so that memory stays constant."""

_HAS_OUTPUT = frozenset({Reason.EXISTS, Reason.DUPLICATE})
"""Reasons of skipped outputs that exist, or whose content exists."""

_NO_PICTURE = frozenset({Reason.NOT_A_PICTURE, Reason.NOT_A_FILE, Reason.SYMBOLIC_LINK})

SCHEMA = 1
"""Version of the JSON summary. Increase it when the meaning of a field changes."""


class Tally:
    """Counts outcomes. It can be an observer.

    Attributes:
        written: outputs that were made.
        unchanged: outputs that were up to date.
        pruned: outputs that were removed because their source is gone.
        planned: outputs that would be made, in a dry run.
        skipped_by_reason: skipped outputs, by reason; a source without outputs counts as one.
        failed_by_reason: failed outputs, counted in the same way.
        in_bytes: size of the sources of all written outputs.
        out_bytes: size of these outputs.
        in_pixels: pixels of these sources.
        failures: the first of the failed outcomes.
        sources: how many sources have an outcome.
    """

    def __init__(self) -> None:
        self.written = 0
        self.unchanged = 0
        self.pruned = 0
        self.planned = 0
        self.skipped_by_reason: Counter[Reason] = Counter()
        self.failed_by_reason: Counter[Reason] = Counter()
        self.in_bytes = 0
        self.out_bytes = 0
        self.in_pixels = 0
        self.failures: list[Outcome] = []
        self.sources = 0
        self._read: Source | None = None

    def __call__(self, outcome: Outcome) -> None:
        """Count one outcome."""
        # Every source has one outcome for its first output, or for all outputs.
        detail, ref = outcome.detail, outcome.ref
        self.sources += ref.rendition == 0 and not isinstance(detail, Pruned)
        match detail:
            case Written():
                self._add_written(ref.source, detail)
            case Unchanged():
                self.unchanged += 1
            case Planned():
                self.planned += 1
            case Pruned():
                self.pruned += 1
            case Skipped():
                self.skipped_by_reason[detail.reason] += 1
            case Failed():
                self.failed_by_reason[detail.reason] += 1
                if len(self.failures) < MAX_FAILURES:
                    self.failures.append(outcome)
            case _:
                assert_never(detail)

    @property
    def skipped(self) -> int:
        """How many were skipped."""
        return self.skipped_by_reason.total()

    @property
    def failed(self) -> int:
        """How many failed."""
        return self.failed_by_reason.total()

    @property
    def without_output(self) -> int:
        """How many were skipped and have no output."""
        return sum(count for reason, count in self.skipped_by_reason.items() if reason not in _HAS_OUTPUT)

    @property
    def is_empty(self) -> bool:
        """Whether there was no picture among the sources."""
        return self.outputs == sum(self.skipped_by_reason[reason] for reason in _NO_PICTURE)

    @property
    def outputs(self) -> int:
        """How many outputs have an outcome; a source without outputs counts as one."""
        return self.written + self.unchanged + self.planned + self.skipped + self.failed

    def _add_written(self, source: "Source", detail: Written) -> None:
        self.written += 1
        self.out_bytes += detail.out_bytes
        # The outputs of one source come one after another.
        if source is not self._read:
            width, height = detail.in_size
            self._read = source
            self.in_bytes += source.size
            self.in_pixels += width * height


class ExecutorStats(Struct, frozen=True, kw_only=True):
    """The workers of a run, and what they took.

    Attributes:
        workers: how many could work at the same time.
        workers_lost: how many died.
        busy_seconds: wall time that all workers together spent on pictures.
        memory: bytes that all workers together could use.
        sandbox: names of the sandbox layers that were active, such as ``landlock:5`` and ``seccomp``.
        sandbox_missing: names of the layers that the system does not support.
    """

    workers: int
    workers_lost: int = 0
    busy_seconds: float = 0.0
    memory: int = 0
    sandbox: tuple[str, ...] = ()
    sandbox_missing: tuple[str, ...] = ()


class RunStats(ExecutorStats, frozen=True, kw_only=True):
    """The workers and the time of a run.

    Attributes:
        seconds: wall time.
    """

    seconds: float

    @property
    def utilization(self) -> float:
        """The share of their time, 0 to 1, that the workers spent on pictures."""
        offered = self.workers * self.seconds
        return min(1.0, max(0.0, self.busy_seconds / offered)) if offered else 0.0


class Summary(Struct, frozen=True, kw_only=True):
    """The summary of a run.

    Attributes:
        sources: number of sources.
        written: outputs that were made.
        unchanged: outputs that were up to date.
        skipped: outputs that were left out on purpose; a source without outputs counts as one.
        failed: outputs that could not be made, counted in the same way.
        pruned: outputs that were removed because their source is gone.
        skipped_by_reason: the skipped outputs, by reason.
        failed_by_reason: the failed outputs, by reason.
        in_bytes: size of the sources of all written outputs.
        out_bytes: size of these outputs.
        in_pixels: pixels of these sources.
        failures: the first thousand failed outcomes.
        stats: the workers and the time of the run.
        exit_code: of the command.
        stopped_by: what ended the run early, such as ``SIGINT``.
        refused: what was requested and not done, and why.
    """

    sources: int
    written: int
    unchanged: int
    skipped: int
    failed: int
    pruned: int = 0
    skipped_by_reason: Mapping[Reason, int]
    failed_by_reason: Mapping[Reason, int]
    in_bytes: int
    out_bytes: int
    in_pixels: int
    failures: tuple[Outcome, ...]
    stats: RunStats
    exit_code: int
    stopped_by: str | None = None
    refused: str | None = None

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
    """Return the summary of a run.

    Args:
        tally: the counts.
        stats: the workers and the time of the run.
        exit_code: of the command; by default, it depends on the failures alone.
        stopped_by: what ended the run early, such as ``SIGINT``.
        refused: what was requested and not done, and why.
    """
    if exit_code is None:
        exit_code = exit_code_for_counts(tally)
    return Summary(
        sources=tally.sources,
        written=tally.written,
        unchanged=tally.unchanged,
        skipped=tally.skipped,
        failed=tally.failed,
        pruned=tally.pruned,
        skipped_by_reason=dict(tally.skipped_by_reason),
        failed_by_reason=dict(tally.failed_by_reason),
        in_bytes=tally.in_bytes,
        out_bytes=tally.out_bytes,
        in_pixels=tally.in_pixels,
        failures=tuple(tally.failures),
        stats=stats,
        exit_code=exit_code,
        stopped_by=stopped_by,
        refused=refused,
    )
