"""Metrics of runs in a text file for Prometheus' node_exporter."""

import os
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, write_to_textfile
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from forkresize.errors import DestinationBusyError
from forkresize.loss import loss_of
from forkresize.observer import Activity
from forkresize.outcome import FORMER_REASONS, Failed, Outcome, Planned, Skipped
from forkresize.report.export.base import RunReporter
from forkresize.report.files import foreign_file_error, missing_directory, write_error, write_errors
from forkresize.store.files import open_source
from forkresize.summary import Summary

if TYPE_CHECKING:
    from forkresize.job import Source

_INTERVAL = 15.0
"""Seconds between two writes: Prometheus' usual scrape interval."""

_BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
"""Upper bounds of the histogram's buckets, in seconds; an infinite one follows."""

_OUTPUTS = "forkresize_outputs"
_WARNINGS = "forkresize_warnings"
_SECONDS = "forkresize_picture_seconds"

_COUNTERS = {
    "forkresize_source_bytes": "Bytes of the sources of all outputs written.",
    "forkresize_output_bytes": "Bytes of all outputs written.",
    "forkresize_workers_lost": "Workers that died and were replaced.",
}

_GAUGES = {
    "forkresize_last_run_timestamp_seconds": "When the last run ended, in seconds since the epoch.",
    "forkresize_last_run_duration_seconds": "Wall time of the last run.",
    "forkresize_last_run_exit_code": "Exit code of the last run.",
    "forkresize_last_run_failed": "Outputs that the last run could not make.",
    "forkresize_last_success_timestamp_seconds": "When the last run that ended with exit code 0 did so.",
}

_Key = tuple[str, tuple[str, ...]]
"""Name of a sample, and the values of its labels except ``batch``."""

_Values = dict[_Key, float]

_MAX_BYTES = 1 << 24
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
        self._counted: Counter[_Key] = Counter()
        self._last: _Values = {}
        self._observed: Source | None = None
        self._before = self._read()
        if not os.access(os.path.dirname(self._path), os.W_OK | os.X_OK):
            raise write_error("metrics file", path, missing_directory(path) or "its directory is not writable")

    def on_outcome(self, outcome: Outcome) -> None:
        """Count an outcome."""
        super().on_outcome(outcome)
        if isinstance(outcome.detail, Planned):
            return
        reason = str(outcome.reason) if isinstance(outcome.detail, Skipped | Failed) else ""
        self._counted[f"{_OUTPUTS}_total", (outcome.status, reason)] += 1
        for loss in set(filter(None, map(loss_of, outcome.warnings))):
            self._counted[f"{_WARNINGS}_total", (str(loss),)] += 1
        # All outputs of a source carry the same time, and come in succession.
        if outcome.execution.attempts and outcome.source is not self._observed:
            self._observed = outcome.source
            self._observe(outcome.execution.seconds)

    def on_tick(self, activities: Sequence[Activity]) -> None:  # noqa: ARG002 - activities are not metrics
        """Write the file if the interval has passed."""
        if self._clock() >= self._due:
            self._due = self._clock() + _INTERVAL
            self._write()

    def on_close(self, summary: Summary, error: BaseException | None) -> None:
        """Write the final values.

        Raises:
            DestinationError: the file cannot be written.
        """
        if isinstance(error, DestinationBusyError):
            return
        ended = self._now()
        values = [ended, summary.stats.seconds, float(summary.exit_code), float(summary.failed)]
        values += [] if summary.exit_code else [ended]
        self._last = {(name, ()): value for name, value in zip(_GAUGES, values, strict=False)}
        self._counted["forkresize_workers_lost_total", ()] = summary.stats.workers_lost
        self._write()

    def _observe(self, seconds: float) -> None:
        bound = bisect_left(_BOUNDS, seconds)
        for limit in (*_BOUNDS[bound:], float("inf")):
            self._counted[f"{_SECONDS}_bucket", (_bound_label(limit),)] += 1
        self._counted[f"{_SECONDS}_count", ()] += 1
        self._counted[f"{_SECONDS}_sum", ()] += seconds  # type: ignore[assignment]  # a Counter can sum floats

    def _read(self) -> _Values:
        try:
            with open_source(self._path) as file:
                return dict(_samples(file.read(_MAX_BYTES).decode()))
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise foreign_file_error("metrics file of forkresize", self._path) from error
        except OSError as error:
            raise write_error("metrics file", self._path, error) from error

    def _write(self) -> None:
        self._counted["forkresize_source_bytes_total", ()] = self.tally.in_bytes
        self._counted["forkresize_output_bytes_total", ()] = self.tally.out_bytes
        values = dict(self._before)
        for key, count in self._counted.items():
            values[key] = values.get(key, 0.0) + count
        registry = CollectorRegistry()
        registry.register(_Families(values | self._last, _batch_label(self._path)))
        with write_errors("metrics file", self._path):
            write_to_textfile(self._path, registry)


class _Families(Collector):
    """Present values in the form that prometheus_client writes."""

    def __init__(self, values: _Values, batch: str) -> None:
        self._values = values
        self._batch = batch

    def collect(self) -> Iterator[Metric]:
        outputs = CounterMetricFamily(_OUTPUTS, "Outputs by status and reason.", labels=["batch", "status", "reason"])
        for labels, value in self._find(f"{_OUTPUTS}_total"):
            outputs.add_metric([self._batch, *labels], value)
        yield outputs
        warnings = CounterMetricFamily(_WARNINGS, "Outputs that lost a part of the image.", labels=["batch", "kind"])
        for labels, value in self._find(f"{_WARNINGS}_total"):
            warnings.add_metric([self._batch, *labels], value)
        yield warnings
        for name, text in _COUNTERS.items():
            counter = CounterMetricFamily(name, text, labels=["batch"])
            counter.add_metric([self._batch], self._values.get((f"{name}_total", ()), 0.0))
            yield counter
        yield self._histogram()
        for name, text in _GAUGES.items():
            gauge = GaugeMetricFamily(name, text, labels=["batch"])
            for _, value in self._find(name):
                gauge.add_metric([self._batch], value)
            yield gauge

    def _histogram(self) -> Metric:
        histogram = HistogramMetricFamily(_SECONDS, "Wall time that a worker spent on a picture.", labels=["batch"])
        bounds = [_bound_label(limit) for limit in (*_BOUNDS, float("inf"))]
        buckets = [(bound, self._values.get((f"{_SECONDS}_bucket", (bound,)), 0.0)) for bound in bounds]
        histogram.add_metric([self._batch], buckets, self._values.get((f"{_SECONDS}_sum", ()), 0.0))
        return histogram

    def _find(self, name: str) -> Iterable[tuple[tuple[str, ...], float]]:
        return sorted((labels, value) for (each, labels), value in self._values.items() if each == name)


def _samples(text: str) -> Iterator[tuple[_Key, float]]:
    """Yield the samples in the text of a metrics file.

    Raises:
        ValueError: the text is not in Prometheus' format, or comes from another program.
    """
    for family in text_string_to_metric_families(text):
        if not family.name.startswith("forkresize_"):
            raise ValueError(f"unknown metric {family.name}")
        for sample in family.samples:
            labels = [sample.labels[name] for name in ("status", "reason", "kind", "le") if name in sample.labels]
            # Counts go on under the reason's present name.
            yield (sample.name, tuple(FORMER_REASONS.get(label, label) for label in labels)), sample.value


def _bound_label(limit: float) -> str:
    return "+Inf" if limit == float("inf") else str(limit)


def _batch_label(path: str) -> str:
    stem = os.path.splitext(os.path.basename(path))[0]
    return os.fsencode(stem).decode(errors="replace")
