"""Metrics of a cluster as a whole, from its database: its runs, chunks, nodes and messages."""

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from forkresize.cluster.database import ClusterDatabase
from forkresize.errors import LedgerError
from forkresize.ledger.postgres.database import Timeouts

if TYPE_CHECKING:
    from forkresize.cluster.database.overview import Overview

_LOG = logging.getLogger("forkresize.cluster")

_PREFIX = "forkresize_cluster"

_TIMEOUTS = Timeouts(connect=2.0, statement=2.0, retry=0.0)
"""Prometheus waits ten seconds."""

_FRESH_SECONDS = 5.0
"""How long values are used again."""


class ClusterMetrics(Collector):
    """The metrics of a cluster. They are missing while its database cannot be used. Any thread may collect them.

    Args:
        url: of the database.
    """

    def __init__(self, url: str) -> None:
        self._database = ClusterDatabase(url, _TIMEOUTS)
        self._lock = threading.Lock()
        self._families: Sequence[Metric] = ()
        self._read_at = 0.0

    def describe(self) -> Iterator[Metric]:
        """Yield nothing: the names are known when they are collected."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        with self._lock:
            if time.monotonic() - self._read_at >= _FRESH_SECONDS:
                self._families = list(self._read())
                self._read_at = time.monotonic()
            yield from self._families

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._database.close()

    def _try_to_read(self) -> "Overview | None":
        try:
            return self._database.overview()
        except LedgerError as error:
            _LOG.warning("the metrics of the cluster cannot be read: %s", error)
            return None

    def _read(self) -> Iterator[Metric]:
        started = time.monotonic()
        found = self._try_to_read()
        up = f"{_PREFIX}_database_up"
        yield GaugeMetricFamily(up, "Whether the database of the cluster answers.", value=int(found is not None))
        if found is None:
            return
        seconds = time.monotonic() - started
        for name, text, counts in (
            ("runs", "Runs that have not ended.", found.runs),
            ("chunks", "Chunks of runs that have not ended.", found.chunks),
            ("nodes", "Nodes.", found.nodes),
        ):
            family = GaugeMetricFamily(f"{_PREFIX}_{name}", text, labels=["state"])
            for state, count in sorted(counts.items()):
                family.add_metric([state], count)
            yield family
        for name, text, value in (
            ("messages_unpublished", "Messages that wait in the database to be published.", found.messages),
            ("oldest_pending_chunk_age_seconds", "Time that the oldest chunk waits for a node.", found.oldest_pending),
            ("oldest_lease_age_seconds", "Time since a node took the oldest chunk that it has.", found.oldest_lease),
            ("shortest_lease_seconds", "Time until the first lease runs out.", found.shortest_lease),
            ("database_response_seconds", "Time that the database took to answer.", seconds),
        ):
            if value is not None:
                yield GaugeMetricFamily(f"{_PREFIX}_{name}", text, value=value)
