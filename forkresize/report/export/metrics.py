"""The metrics of a run as a text file for Prometheus' node_exporter. Decides nothing about alerts."""

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

from forkresize import storage
from forkresize.errors import DestinationBusyError, DestinationError, UsageError
from forkresize.outcome import Failed, Outcome, Planned, Skipped
from forkresize.report.export.base import RunReporter
from forkresize.report.terminal.activity import Activity
from forkresize.summary import Summary

if TYPE_CHECKING:
    from forkresize.job import Source

_INTERVAL = 15.0
"""Seconds between two writings; what Prometheus usually scrapes at."""

_BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
"""Upper bounds of the histogram's buckets, in seconds."""

_OUTPUTS = "forkresize_outputs"
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
"""Name of a sample, and the values of its labels but for the batch."""

_Values = dict[_Key, float]

_MOST_BYTES = 1 << 24
"""Far more than the metrics of a batch take."""


class MetricsFile(RunReporter):
    """A reporter that replaces a file of metrics in one step, at the end and every 15 seconds.

    Counters go on from where the file was, so that ``increase`` and ``rate`` tell the truth across runs; what is about
    the last run changes at its end. All samples have the label ``batch``, the file's name without its suffix, which
    tells the files of one directory apart. A run that finds its destination busy leaves the file to the other.

    Args:
        path: the file to replace.
        clock: tells the time in seconds.
        now: tells the seconds since the epoch.

    Raises:
        UsageError: there can be no such file, or there is one that holds no metrics of forkresize.
        DestinationError: it can't be written, now or later.
    """

    def __init__(
        self, path: str, *, clock: Callable[[], float] = time.monotonic, now: Callable[[], float] = time.time
    ) -> None:
        super().__init__(clock)
        # A link stays one.
        self._path = os.path.realpath(path)
        self._now = now
        self._due = clock() + _INTERVAL
        self._counted: Counter[_Key] = Counter()
        self._last: _Values = {}
        self._observed: Source | None = None
        self._before = self._read()
        if not os.access(os.path.dirname(path) or ".", os.W_OK | os.X_OK):
            raise DestinationError(f"the metrics {path!r} can't be written: their directory may not be written to")

    def __call__(self, outcome: Outcome) -> None:
        """Count an outcome."""
        super().__call__(outcome)
        if isinstance(outcome, Planned):
            return
        reason = str(outcome.reason) if isinstance(outcome, Skipped | Failed) else ""
        self._counted[f"{_OUTPUTS}_total", (outcome.status, reason)] += 1
        # What it took is told with every output of a source; they come one after another.
        if outcome.attempts and outcome.source is not self._observed:
            self._observed = outcome.source
            self._observe(outcome.seconds)

    def tick(self, activities: Sequence[Activity]) -> None:  # noqa: ARG002 - what workers do is no metric
        """Write, if it is time to."""
        if self._clock() >= self._due:
            self._due = self._clock() + _INTERVAL
            self._write()

    def close(self, summary: Summary, error: BaseException | None) -> None:
        """Write what the run came to.

        Raises:
            DestinationError: it can't be written.
        """
        if isinstance(error, DestinationBusyError):
            return
        moment = self._now()
        ending = [moment, summary.seconds, float(summary.exit_code), float(summary.failed)]
        ending += [] if summary.exit_code else [moment]
        self._last = {(name, ()): value for name, value in zip(_GAUGES, ending, strict=False)}
        self._counted["forkresize_workers_lost_total", ()] = summary.workers_lost
        self._write()

    def _observe(self, seconds: float) -> None:
        bound = bisect_left(_BOUNDS, seconds)
        for limit in (*_BOUNDS[bound:], float("inf")):
            self._counted[f"{_SECONDS}_bucket", (_bound(limit),)] += 1
        self._counted[f"{_SECONDS}_count", ()] += 1
        self._counted[f"{_SECONDS}_sum", ()] += seconds  # type: ignore[assignment]  # a Counter counts seconds as well

    def _read(self) -> _Values:
        try:
            with storage.open_source(self._path) as file:
                return dict(_samples(file.read(_MOST_BYTES).decode()))
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise UsageError(
                f"the metrics {self._path!r} would replace a file that holds none of forkresize; remove it first"
            ) from error
        except OSError as error:
            raise DestinationError(self._complaint(error)) from error

    def _write(self) -> None:
        self._counted["forkresize_source_bytes_total", ()] = self.tally.in_bytes
        self._counted["forkresize_output_bytes_total", ()] = self.tally.out_bytes
        values = dict(self._before)
        for key, count in self._counted.items():
            values[key] = values.get(key, 0.0) + count
        registry = CollectorRegistry()
        registry.register(_Families(values | self._last, _batch(self._path)))
        try:
            write_to_textfile(self._path, registry)
        except OSError as error:
            raise DestinationError(self._complaint(error)) from error

    def _complaint(self, error: OSError) -> str:
        return f"the metrics {self._path!r} can't be written: {error.strerror}"


class _Families(Collector):
    """Gives known values the shape that the library writes."""

    def __init__(self, values: _Values, batch: str) -> None:
        self._values = values
        self._batch = batch

    def collect(self) -> Iterator[Metric]:
        outputs = CounterMetricFamily(_OUTPUTS, "Outputs by what became of them.", labels=["batch", "status", "reason"])
        for labels, value in self._labeled(f"{_OUTPUTS}_total"):
            outputs.add_metric([self._batch, *labels], value)
        yield outputs
        for name, text in _COUNTERS.items():
            counter = CounterMetricFamily(name, text, labels=["batch"])
            counter.add_metric([self._batch], self._values.get((f"{name}_total", ()), 0.0))
            yield counter
        yield self._histogram()
        for name, text in _GAUGES.items():
            gauge = GaugeMetricFamily(name, text, labels=["batch"])
            for _, value in self._labeled(name):
                gauge.add_metric([self._batch], value)
            yield gauge

    def _histogram(self) -> Metric:
        histogram = HistogramMetricFamily(_SECONDS, "Wall time that a worker spent on a picture.", labels=["batch"])
        bounds = [_bound(limit) for limit in (*_BOUNDS, float("inf"))]
        buckets = [(bound, self._values.get((f"{_SECONDS}_bucket", (bound,)), 0.0)) for bound in bounds]
        histogram.add_metric([self._batch], buckets, self._values.get((f"{_SECONDS}_sum", ()), 0.0))
        return histogram

    def _labeled(self, name: str) -> Iterable[tuple[tuple[str, ...], float]]:
        return sorted((labels, value) for (each, labels), value in self._values.items() if each == name)


def _samples(text: str) -> Iterator[tuple[_Key, float]]:
    """Yield what a file of metrics holds.

    Raises:
        ValueError: it is none, or of another program.
    """
    for family in text_string_to_metric_families(text):
        if not family.name.startswith("forkresize_"):
            raise ValueError(f"not a metric of forkresize: {family.name}")
        for sample in family.samples:
            labels = [sample.labels[name] for name in ("status", "reason", "le") if name in sample.labels]
            yield (sample.name, tuple(labels)), sample.value


def _bound(limit: float) -> str:
    return "+Inf" if limit == float("inf") else str(limit)


def _batch(path: str) -> str:
    stem = os.path.splitext(os.path.basename(path))[0]
    return os.fsencode(stem).decode(errors="replace")
