"""The metrics of a gateway, as Prometheus reads them. No label has values that requests can choose."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from forkresize.gateway.derivatives.derivatives import Derivatives, Put
from forkresize.gateway.observation import RequestRecord, with_stages
from forkresize.gateway.pictures import Pictures
from forkresize.gateway.runs.manager import RunManager
from forkresize.gateway.runs.run import RunState
from forkresize.outcome import Failed
from forkresize.telemetry.metrics import BOUNDS, PhaseTimes, PoolMetrics, create_registry

_PREFIX = "forkresize_gateway"

UNMATCHED = "(none)"
"""The route of requests that match none."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""The values of the label ``method``; any other method counts as ``OTHER``."""


class GatewayMetrics:
    """What a gateway counts and measures.

    Args:
        registry: gets the metrics.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = create_registry() if registry is None else registry
        self._requests = Counter(
            f"{_PREFIX}_requests",
            "Requests by route and status.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self._durations = Histogram(
            f"{_PREFIX}_request_duration_seconds",
            "Time from the request to the end of its response.",
            ["route"],
            buckets=BOUNDS,
            registry=self.registry,
        )
        self._sent = Counter(
            f"{_PREFIX}_response_bytes", "Bytes of the bodies of responses.", ["route"], registry=self.registry
        )
        self.in_progress = Gauge(
            f"{_PREFIX}_requests_in_progress", "Requests that are not answered.", registry=self.registry
        )
        self._pictures = Counter(
            f"{_PREFIX}_pictures",
            "Pictures that workers had, by status.",
            ["status"],
            registry=self.registry,
        )
        self._failures = Counter(
            f"{_PREFIX}_failures", "Pictures that could not be made, by reason.", ["reason"], registry=self.registry
        )
        self._answers = Counter(
            f"{_PREFIX}_answers",
            "Requests for pictures, by where the answer came from.",
            ["result"],
            registry=self.registry,
        )
        self.phases = PhaseTimes(_PREFIX, self.registry)
        # Finding a metric by its labels takes longer than counting. No more than the registry has.
        self._by_answer: dict[tuple[str, str, int], tuple[Counter, Histogram, Counter]] = {}

    def follow(self, pictures: Pictures) -> None:
        """Show the queue and the workers."""
        self.registry.register(_Queue(pictures))
        self.registry.register(PoolMetrics(_PREFIX, lambda: pictures.renderer.stats))

    def follow_derivatives(self, derivatives: Derivatives) -> None:
        """Show the store of pictures that were made."""
        self.registry.register(_Derivatives(derivatives))

    def add_put(self, put: Put) -> None:
        """Count that a picture was put into the store."""
        if not put.error:
            self.phases.observe("put", put.ended - put.started)

    def follow_runs(self, runs: RunManager) -> None:
        """Show the batches, and the cluster that does them, if there is one."""
        self.registry.register(_Runs(runs))
        if runs.settings.cluster is not None:
            # Only with the extra.
            from forkresize.cluster.metrics import ClusterMetrics

            self.registry.register(ClusterMetrics(runs.settings.cluster.ledger))

    def add(self, record: RequestRecord, route: str, status: int, sent: int, seconds: float) -> None:
        """Count a request that was answered; see ``access_log.log_request``."""
        method = record.method if record.method in _METHODS else "OTHER"
        counters = self._by_answer.get((method, route, status))
        if counters is None:
            counters = self._by_answer[method, route, status] = (
                self._requests.labels(method, route, str(status)),
                self._durations.labels(route),
                self._sent.labels(route),
            )
        counters[0].inc()
        counters[1].observe(seconds)
        counters[2].inc(sent)
        if record.cache is not None:
            self._answers.labels(record.cache).inc()
        if not record.outcomes:
            self.phases.observe_all(record.stages)
            if record.reason and record.cache != "shared" and (record.source or record.stages):
                # No worker had it: its time was over, or its source could not be fetched.
                self._failures.labels(record.reason).inc()
        for outcomes in with_stages(record):
            self.phases.observe_picture(outcomes)
            for outcome in outcomes:
                self._pictures.labels(outcome.status).inc()
                if isinstance(outcome.detail, Failed):
                    self._failures.labels(str(outcome.detail.reason)).inc()

    def add_refusal(self, status: int) -> None:
        """Count what was refused before it was a request with a method and a route."""
        self._requests.labels("OTHER", UNMATCHED, str(status)).inc()


class _Derivatives(Collector):
    """The store of pictures that were made."""

    def __init__(self, derivatives: Derivatives) -> None:
        self._derivatives = derivatives

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        recorder = self._derivatives.recorder
        values = (
            ("derivatives_pending_bytes", "Bytes of pictures to put into the store.", self._derivatives.pending_bytes),
            ("derivatives_unrecorded", "Pictures in the store that the ledger does not have yet.", recorder.waiting),
            ("ledger_lag_seconds", "Time that pictures have waited to be recorded in the ledger.", recorder.lag),
        )
        for name, text, value in values:
            yield GaugeMetricFamily(f"{_PREFIX}_{name}", text, value=value)


class _Runs(Collector):
    """The batches of this gateway."""

    def __init__(self, runs: RunManager) -> None:
        self._runs = runs

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        yield GaugeMetricFamily(
            f"{_PREFIX}_runs_in_progress", "Batches that this gateway does.", value=self._runs.running
        )
        ended = CounterMetricFamily(
            f"{_PREFIX}_runs_ended", "Batches that have ended here, by state.", labels=["state"]
        )
        for state in RunState:
            if state.is_final:
                ended.add_metric([state.value], self._runs.ended.get(state, 0))
        yield ended


class _Queue(Collector):
    """The queue in front of the workers."""

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        admission = self._pictures.admission
        values = (
            ("queue_pictures", "Pictures that wait for a worker.", admission.waiting),
            ("queue_limit_pictures", "Pictures that may wait; others are refused.", admission.bounds.waiting),
            ("queue_oldest_age_seconds", "Time that the picture has waited that waits longest.", admission.oldest_age),
            ("overloaded", "Whether no picture may wait, since too many come.", float(admission.is_overloaded)),
            ("pictures_in_progress", "Pictures that are fetched, or that workers have.", admission.active),
            ("source_memory_bytes", "Bytes of sources in memory.", admission.memory),
            ("source_memory_limit_bytes", "Bytes of sources that may be in memory.", admission.bounds.memory),
        )
        for name, text, value in values:
            yield GaugeMetricFamily(f"{_PREFIX}_{name}", text, value=value)
