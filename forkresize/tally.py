"""Counts of outcomes."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import assert_never

from msgspec import Struct, field

from forkresize.job import Source
from forkresize.loss import Loss, loss_of
from forkresize.outcome import Failed, Outcome, Planned, Pruned, Reason, Skipped, Unchanged, Written

MAX_FAILURES = 1_000
"""How many failures are kept. Others are only counted, so that memory stays constant."""

MAX_WARNING_KINDS = 100
"""How many kinds of warnings are counted apart; a hostile picture can provoke any number."""

OTHER_WARNINGS = "other"
"""Where the others are counted."""

_NUMBER = r"\d[\d.,]*"

_HAS_OUTPUT = frozenset({Reason.EXISTS, Reason.DUPLICATE, Reason.OUTPUT_DIRECTORY})
"""Reasons of skipped outputs that exist, or whose content exists, and of those directories."""

_NO_PICTURE = frozenset({Reason.NOT_A_PICTURE, Reason.NOT_A_FILE, Reason.SYMBOLIC_LINK, Reason.OUTPUT_DIRECTORY})


class Counts(Struct, kw_only=True):
    """Counts of the outcomes of a run.

    Attributes:
        sources: sources that have an outcome.
        written: outputs that were made.
        unchanged: outputs that were up to date.
        pruned: outputs that were removed because their source is gone.
        planned: outputs that would be made, in a dry run.
        skipped_by_reason: outputs left out on purpose, by reason; a source without outputs counts as one.
        failed_by_reason: outputs that could not be made, counted in the same way.
        in_bytes: size of the sources of all written outputs.
        out_bytes: size of these outputs.
        in_pixels: pixels of these sources.
        peak_rss: bytes of memory that the largest worker used.
        failures: the first thousand failed outcomes.
        warnings_by_kind: warnings, by the first one of each kind, without its details. Numbers make no other kind.
        losses: outputs that lost a part of their source, by loss; one with several losses counts for each.
    """

    sources: int = 0
    written: int = 0
    unchanged: int = 0
    pruned: int = 0
    planned: int = 0
    skipped_by_reason: Mapping[Reason, int] = field(default_factory=Counter)
    failed_by_reason: Mapping[Reason, int] = field(default_factory=Counter)
    in_bytes: int = 0
    out_bytes: int = 0
    in_pixels: int = 0
    peak_rss: int = 0
    failures: Sequence[Outcome] = ()
    warnings_by_kind: Mapping[str, int] = field(default_factory=Counter)
    losses: Mapping[Loss, int] = field(default_factory=Counter)

    @property
    def skipped(self) -> int:
        """How many were skipped."""
        return sum(self.skipped_by_reason.values())

    @property
    def failed(self) -> int:
        """How many failed."""
        return sum(self.failed_by_reason.values())

    @property
    def without_output(self) -> int:
        """How many were skipped and have no output."""
        return sum(count for reason, count in self.skipped_by_reason.items() if reason not in _HAS_OUTPUT)

    @property
    def is_empty(self) -> bool:
        """Whether there was no picture among the sources."""
        return self.outputs == self.without_picture

    @property
    def without_picture(self) -> int:
        """How many sources were skipped because they are not pictures."""
        return sum(self.skipped_by_reason.get(reason, 0) for reason in _NO_PICTURE)

    @property
    def is_up_to_date(self) -> bool:
        """Whether there were outputs, and nothing had to be done about any."""
        same = self.skipped_by_reason.get(Reason.DUPLICATE, 0)
        rest = self.outputs - self.unchanged - self.without_picture - same
        return bool(self.unchanged) and not rest and not self.pruned

    @property
    def outputs(self) -> int:
        """How many outputs have an outcome; a source without outputs counts as one."""
        return self.written + self.unchanged + self.planned + self.skipped + self.failed


def classify_warning(warning: str) -> tuple[str, str]:
    """Return a warning without its details, and its kind, which is the same for other numbers."""
    text = warning.partition(": ")[0]
    return text, re.sub(_NUMBER, "#", text)


class Tally(Counts):
    """Counts outcomes. It can be an observer."""

    skipped_by_reason: Counter[Reason] = field(default_factory=Counter)
    failed_by_reason: Counter[Reason] = field(default_factory=Counter)
    failures: list[Outcome] = field(default_factory=list)
    warnings_by_kind: Counter[str] = field(default_factory=Counter)
    losses: Counter[Loss] = field(default_factory=Counter)
    _kinds: dict[str, str] = field(default_factory=dict)
    _read: Source | None = None

    def __call__(self, outcome: Outcome) -> None:
        """Count one outcome."""
        # Every source has one outcome for its first output, or for all outputs.
        detail, ref = outcome.detail, outcome.ref
        self.sources += ref.rendition == 0 and not isinstance(detail, Pruned)
        self._add_warnings(outcome.warnings)
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

    def add_unchanged(self, sources: int, outputs: int) -> None:
        """Count sources whose outputs are all up to date."""
        self.sources += sources
        self.unchanged += outputs

    def _add_warnings(self, warnings: tuple[str, ...]) -> None:
        if not warnings:
            return
        for warning in warnings:
            text, kind = classify_warning(warning)
            if len(self._kinds) < MAX_WARNING_KINDS:
                self._kinds.setdefault(kind, text)
            self.warnings_by_kind[self._kinds.get(kind, OTHER_WARNINGS)] += 1
        self.losses.update({loss for loss in map(loss_of, warnings) if loss})

    def _add_written(self, source: "Source", detail: Written) -> None:
        self.written += 1
        self.out_bytes += detail.out_bytes
        self.peak_rss = max(self.peak_rss, detail.peak_rss)
        # The outputs of one source come one after another.
        if source is not self._read:
            width, height = detail.in_size
            self._read = source
            self.in_bytes += source.size
            self.in_pixels += width * height
