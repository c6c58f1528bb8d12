"""The metrics of a node, as Prometheus reads them."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Literal, Protocol

from prometheus_client import Counter
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from forkresize.cluster.metrics import ClusterMetrics
from forkresize.cluster.node.settings import NodeSettings
from forkresize.outcome import Failed, Outcome
from forkresize.summary import ExecutorStats
from forkresize.telemetry.metrics import MetricsServer, PhaseTimes, PoolMetrics, create_registry

_LOG = logging.getLogger("forkresize.node")

_PREFIX = "forkresize_node"

End = Literal["done", "returned", "given up", "lost"]
"""How the work on a chunk ended: with outcomes, left to other nodes, as a failure, or after its lease was lost."""


class Leased(Protocol):
    """A chunk that a node works on."""

    @property
    def renewed_at(self) -> float:
        """When its lease was taken or renewed, by ``time.monotonic``."""


class NodeMetrics:
    """What a node counts and measures."""

    def __init__(self) -> None:
        self.registry = create_registry()
        self.taken = Counter(f"{_PREFIX}_chunks_taken", "Chunks that this node has leased.", registry=self.registry)
        self._ended = Counter(
            f"{_PREFIX}_chunks_ended", "Chunks whose work has ended, by result.", ["result"], registry=self.registry
        )
        self._pictures = Counter(
            f"{_PREFIX}_pictures", "Outputs of pictures, by status.", ["status"], registry=self.registry
        )
        self._failures = Counter(
            f"{_PREFIX}_failures", "Outputs that could not be made, by reason.", ["reason"], registry=self.registry
        )
        self._renewals = Counter(
            f"{_PREFIX}_lease_renewals", "Renewals of leases, by result.", ["result"], registry=self.registry
        )
        self.refused = Counter(f"{_PREFIX}_messages_refused", "Messages that were refused.", registry=self.registry)
        self._phases = PhaseTimes(_PREFIX, self.registry)
        for result in ("done", "returned", "given up", "lost"):
            self._ended.labels(result)
        for result in ("renewed", "lost"):
            self._renewals.labels(result)

    def follow(
        self,
        stats: Callable[[], ExecutorStats],
        running: Callable[[], Iterable[Leased]],
        is_draining: Callable[[], bool],
    ) -> None:
        """Show the workers, and the chunks that are worked on.

        Args:
            stats: returns what the workers took.
            running: returns the chunks.
            is_draining: returns whether the node takes no more chunks.
        """
        self.registry.register(PoolMetrics(_PREFIX, stats))
        self.registry.register(_Work(running, is_draining))

    def end_chunk(self, result: End) -> None:
        """Count a chunk whose work has ended."""
        self._ended.labels(result).inc()

    def note_renewal(self, *, is_renewed: bool) -> None:
        """Count the renewal of a lease, or its loss."""
        self._renewals.labels("renewed" if is_renewed else "lost").inc()

    def add_picture(self, outcomes: Sequence[Outcome]) -> None:
        """Count the outcomes of a picture."""
        for outcome in outcomes:
            self._pictures.labels(outcome.status).inc()
            if isinstance(outcome.detail, Failed):
                self._failures.labels(str(outcome.detail.reason)).inc()
        if outcomes:
            self._phases.observe_picture(outcomes)


@contextmanager
def serve_metrics(metrics: NodeMetrics, settings: NodeSettings) -> Iterator[None]:
    """Serve the metrics of a node, and those of its cluster, while the body runs, if its settings have a port for them.

    Raises:
        FieldError: the address cannot be used.
    """
    if settings.metrics_port is None:
        yield
        return
    cluster = ClusterMetrics(settings.ledger)
    metrics.registry.register(cluster)
    with closing(cluster), MetricsServer(metrics.registry, settings.metrics_port, settings.metrics_host) as server:
        _LOG.info("metrics are at %s", server.url)
        yield


class _Work(Collector):
    """What a node works on."""

    def __init__(self, running: Callable[[], Iterable[Leased]], is_draining: Callable[[], bool]) -> None:
        self._running = running
        self._is_draining = is_draining

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        renewed = [chunk.renewed_at for chunk in self._running()]
        age = time.monotonic() - min(renewed) if renewed else 0.0
        values = (
            ("chunks_in_progress", "Chunks that this node works on.", len(renewed)),
            ("lease_age_seconds", "Time since the oldest lease was renewed.", age),
            ("draining", "Whether the node takes no more chunks.", int(self._is_draining())),
        )
        for name, text, value in values:
            yield GaugeMetricFamily(f"{_PREFIX}_{name}", text, value=value)
