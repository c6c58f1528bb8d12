"""Metrics that gateways and nodes have in common, and the port that Prometheus reads them from."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, Self

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    start_http_server,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from forkresize.errors import FieldError, describe
from forkresize.outcome import Outcome
from forkresize.summary import ExecutorStats
from forkresize.telemetry.pictures import sum_phases

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds of the buckets of histograms, in seconds; an infinite one follows."""

PHASES = ("queue", "fetch", "decode", "resize", "encode", "put")
"""What is done for a picture; the values of the label ``phase``."""


def create_registry() -> CollectorRegistry:
    """Return a registry with the metrics of the process and of the interpreter."""
    # Few use the time at which each counter was created, and it doubles the number of series.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry(auto_describe=True)
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    return registry


class Timed(Protocol):
    """What was done for a picture, and when."""

    @property
    def name(self) -> str:
        """The phase."""

    @property
    def started(self) -> float:
        """In seconds since the epoch."""

    @property
    def ended(self) -> float:
        """In seconds since the epoch."""


class PhaseTimes:
    """A histogram of how long each phase of pictures took.

    Args:
        prefix: of its name, such as ``forkresize_gateway``.
        registry: gets it.
    """

    def __init__(self, prefix: str, registry: CollectorRegistry) -> None:
        histogram = Histogram(
            f"{prefix}_phase_duration_seconds",
            "Time that pictures spent in each phase.",
            ["phase"],
            buckets=BOUNDS,
            registry=registry,
        )
        self._phases = {phase: histogram.labels(phase) for phase in PHASES}

    def observe(self, phase: str, seconds: float) -> None:
        """Count a phase that has ended."""
        self._phases[phase].observe(seconds)

    def observe_picture(self, outcomes: Sequence[Outcome]) -> None:
        """Count the phases of a picture, from its outcomes."""
        for name, seconds in sum_phases(outcomes).items():
            self.observe(name, seconds)

    def observe_all(self, phases: Iterable[Timed]) -> None:
        """Count the phases of a picture, each name once: it may have waited twice, and be encoded several times."""
        seconds: Counter[str] = Counter()
        for phase in phases:
            seconds[phase.name] += phase.ended - phase.started  # type: ignore[assignment]  # It can sum floats.
        for name, total in seconds.items():
            self.observe(name, total)


class PoolMetrics(Collector):
    """The workers of a pool.

    Args:
        prefix: of the names.
        stats: returns what the workers took.
    """

    def __init__(self, prefix: str, stats: Callable[[], ExecutorStats]) -> None:
        self._prefix = prefix
        self._stats = stats

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        stats = self._stats()
        counters = (
            ("busy_seconds", "Time that all workers together spent on pictures.", stats.busy_seconds),
            ("workers_lost", "Workers that died and were replaced.", stats.workers_lost),
        )
        gauges = (
            ("workers", "Worker processes.", stats.workers),
            ("memory_limit_bytes", "Memory that all workers together may use.", stats.memory),
            ("memory_peak_bytes", "Memory that all workers together used at most.", stats.memory_peak),
        )
        for name, text, value in counters:
            yield CounterMetricFamily(f"{self._prefix}_pool_{name}", text, value=value)
        for name, text, value in gauges:
            yield GaugeMetricFamily(f"{self._prefix}_pool_{name}", text, value=value)


class MetricsServer:
    """Serves metrics by HTTP on a port of its own, from a thread of its own. A context manager.

    Args:
        registry: what it serves.
        port: the port; 0 for any free one.
        host: the address to listen on.

    Raises:
        FieldError: the address cannot be used.
    """

    def __init__(self, registry: CollectorRegistry, port: int, host: str = "127.0.0.1") -> None:
        try:
            self._server, self._thread = start_http_server(port, host, registry)
        except OSError as error:
            raise FieldError("metrics_port", f"cannot listen on {host}:{port}: {describe(error)}") from error
        self.url = f"http://{host}:{self._server.server_port}/metrics"
        """Where they are."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
