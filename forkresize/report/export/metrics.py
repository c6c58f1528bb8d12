"""Metrics of runs in a text file for Prometheus' node_exporter."""

import os
import re
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from forkresize.errors import DestinationBusyError
from forkresize.observer import Activity
from forkresize.outcome import FORMER_REASONS, Outcome, Planned
from forkresize.report.export.base import RunReporter
from forkresize.report.files import foreign_file_error, run_id, write_error, write_errors
from forkresize.store.files import open_source, write_atomic
from forkresize.summary import Summary

if TYPE_CHECKING:
    from forkresize.job import Source

_INTERVAL = 15.0
"""Seconds between two writes: Prometheus' usual scrape interval."""

_OUTPUTS = "forkresize_outputs_total"
_IN_BYTES = "forkresize_source_bytes_total"
_OUT_BYTES = "forkresize_output_bytes_total"
_WORKERS_LOST = "forkresize_workers_lost_total"
_SECONDS = "forkresize_picture_seconds"

_FAMILIES = {
    _OUTPUTS: ("counter", "Outputs by status and reason."),
    _IN_BYTES: ("counter", "Bytes of the sources of all outputs written."),
    _OUT_BYTES: ("counter", "Bytes of all outputs written."),
    _WORKERS_LOST: ("counter", "Workers that died and were replaced."),
    _SECONDS: ("histogram", "Wall time that a worker spent on a picture."),
    "forkresize_last_run_timestamp_seconds": ("gauge", "When the last run ended, in seconds since the epoch."),
    "forkresize_last_run_duration_seconds": ("gauge", "Wall time of the last run."),
    "forkresize_last_run_exit_code": ("gauge", "Exit code of the last run."),
    "forkresize_last_run_failed": ("gauge", "Outputs that the last run could not make."),
    "forkresize_last_success_timestamp_seconds": ("gauge", "When the last run that ended with exit code 0 did so."),
}
"""Types and descriptions of all metrics."""

_GAUGES = [name for name, (kind, _) in _FAMILIES.items() if kind == "gauge"]

_BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, float("inf"))
"""Upper bounds of the histogram's buckets, in seconds."""

_Key = tuple[str, str]
"""Name of a sample, and the text of its labels without ``batch``."""

_BUCKETS = [(f"{_SECONDS}_bucket", f'le="{"+Inf" if bound == float("inf") else bound}"') for bound in _BOUNDS]

_ZEROS: dict[_Key, float] = dict.fromkeys(
    [
        (_IN_BYTES, ""),
        (_OUT_BYTES, ""),
        (_WORKERS_LOST, ""),
        *_BUCKETS,
        (f"{_SECONDS}_count", ""),
        (f"{_SECONDS}_sum", ""),
    ],
    0.0,
)
"""The samples that exist from the beginning."""

_SAMPLE = re.compile(r'(forkresize_\w+)\{batch="(?:[^"\\]|\\.)*",?(.*)\} (\S+)')

_MOST_BYTES = 1 << 24
"""Bytes to read of an existing file; far more than the metrics of a batch take."""


class MetricsFile(RunReporter):
    """Replace a file of metrics atomically, every 15 seconds and at the end of the run.

    Counters continue from the values in the file, so that ``increase`` and ``rate`` work across runs; gauges about the
    last run change at its end. All samples have the label ``batch``, the file's name without its suffix, to
    distinguish the files of one directory. A run that finds its destination busy does not write the file.

    Args:
        path: the file to replace; a symbolic link is followed.
        clock: returns the time in seconds.
        now: returns the seconds since the epoch.

    Raises:
        UsageError: the file exists and does not hold metrics of forkresize.
        DestinationError: the file cannot be written, now or later.
    """

    def __init__(
        self, path: str, *, clock: Callable[[], float] = time.monotonic, now: Callable[[], float] = time.time
    ) -> None:
        super().__init__(clock)
        self._path = os.path.realpath(path)
        self._now = now
        self._due = clock() + _INTERVAL
        self._counts: Counter[_Key] = Counter()
        self._gauges: dict[_Key, float] = {}
        self._last_source: Source | None = None
        self._before = _ZEROS | self._read()
        if not os.access(os.path.dirname(path) or ".", os.W_OK | os.X_OK):
            raise write_error("metrics file", path, "its directory is not writable")

    def on_outcome(self, outcome: Outcome) -> None:
        """Count an outcome."""
        super().on_outcome(outcome)
        if isinstance(outcome.detail, Planned):
            return
        self._counts[_OUTPUTS, f'reason="{outcome.reason or ""}",status="{outcome.status}"'] += 1
        # All outputs of a source carry the same time, and come in succession.
        if outcome.execution.attempts and outcome.source is not self._last_source:
            self._last_source = outcome.source
            self._observe(outcome.execution.seconds)

    def on_tick(self, activities: Sequence[Activity]) -> None:  # noqa: ARG002 - activities are not metrics
        """Write the file if the interval has passed."""
        if self._clock() >= self._due:
            self._due = self._clock() + _INTERVAL
            self._write()

    def on_close(self, summary: Summary, error: BaseException | None) -> None:
        """Write the final values."""
        if isinstance(error, DestinationBusyError):
            return
        ended = self._now()
        values = [ended, summary.stats.seconds, float(summary.exit_code), float(summary.failed)]
        values += [] if summary.exit_code else [ended]
        self._gauges = {(name, ""): value for name, value in zip(_GAUGES, values, strict=False)}
        self._counts[_WORKERS_LOST, ""] = summary.stats.workers_lost
        self._write()

    def _observe(self, seconds: float) -> None:
        self._counts.update(_BUCKETS[bisect_left(_BOUNDS, seconds) :])
        self._counts[f"{_SECONDS}_count", ""] += 1
        self._counts[f"{_SECONDS}_sum", ""] += seconds  # type: ignore[assignment]  # a Counter can sum floats

    def _read(self) -> dict[_Key, float]:
        try:
            with open_source(self._path) as file:
                return dict(_samples(file.read(_MOST_BYTES).decode()))
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise foreign_file_error("metrics file of forkresize", self._path) from error
        except OSError as error:
            raise write_error("metrics file", self._path, error) from error

    def _write(self) -> None:
        self._counts[_IN_BYTES, ""] = self.tally.in_bytes
        self._counts[_OUT_BYTES, ""] = self.tally.out_bytes
        values = dict(self._before)
        for key, count in self._counts.items():
            values[key] = values.get(key, 0.0) + count
        text = "".join(_lines(values | self._gauges, _batch(self._path)))
        with write_errors("metrics file", self._path):
            write_atomic(self._path, text.encode(), run_id())


def _lines(values: Mapping[_Key, float], batch: str) -> Iterator[str]:
    for family, (kind, text) in _FAMILIES.items():
        yield f"# HELP {family} {text}\n# TYPE {family} {kind}\n"
        for (name, labels), value in values.items():
            if name == family or (kind == "histogram" and name.startswith(family)):
                yield f'{name}{{batch="{batch}"{"," if labels else ""}{labels}}} {value}\n'


def _samples(text: str) -> Iterator[tuple[_Key, float]]:
    """Yield the samples in the text of a metrics file.

    Raises:
        ValueError: the text comes from another program.
    """
    # Counts continue under the present name of a reason.
    for former, reason in FORMER_REASONS.items():
        text = text.replace(f'reason="{former}"', f'reason="{reason}"')
    for line in text.split("\n"):
        sample = _SAMPLE.fullmatch(line)
        if sample:
            yield (sample[1], sample[2]), float(sample[3])
        elif line and not line.startswith("# "):
            raise ValueError(f"not a metric of forkresize: {line}")


def _batch(path: str) -> str:
    """Return the file's name without its suffix, escaped as the value of a label."""
    stem = os.fsencode(os.path.splitext(os.path.basename(path))[0]).decode(errors="replace")
    return stem.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
