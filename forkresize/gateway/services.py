"""What the routes of a gateway use: Services."""

import asyncio
import logging
from functools import partial

from forkresize.batch.remote.renderer import Renderer
from forkresize.gateway.access.settings import open_access
from forkresize.gateway.checks import check_broker, check_database, check_derivatives, check_pool, check_stores
from forkresize.gateway.derivatives.derivatives import Put, create_derivatives
from forkresize.gateway.imgproxy.urls import PictureUrls
from forkresize.gateway.metrics import GatewayMetrics
from forkresize.gateway.observer import make_put_span
from forkresize.gateway.on_demand import OnDemand
from forkresize.gateway.pictures import Pictures
from forkresize.gateway.readiness import Check, Readiness
from forkresize.gateway.roots import Roots
from forkresize.gateway.runs.manager import RunManager
from forkresize.gateway.runs.settings import ClusterSettings
from forkresize.gateway.settings import GatewaySettings
from forkresize.gateway.threads import Threads
from forkresize.ledger import LedgerUrl
from forkresize.telemetry.tracer import Tracer

_LOG = logging.getLogger("forkresize.gateway")

_OPTIONAL = frozenset({"derivatives", "derivatives_ledger"})
"""Checks of what a gateway can do without: it makes pictures again."""

_LISTINGS = 2
"""Roots that are listed at the same time; other requests for keys wait, and none keeps pictures waiting."""


class Services:
    """What the routes of a gateway use. Created before the event loop runs, and opened and closed in it.

    Attributes:
        settings: of the gateway.
        roots: where pictures come from.
        listing: the threads that list them.
        picture_urls: checks, reads and signs the URLs of pictures.
        pictures: makes them.
        derivatives: keeps them in a store; None if there is none.
        on_demand: answers requests for pictures from the store, or has them made.
        access: decides who may use which route.
        metrics: what Prometheus reads.
        tracer: sends traces, if they are asked for.
        readiness: whether what the gateway needs is there.
        runs: does batches; None for a gateway that does none.

    Raises:
        UsageError: a setting is invalid, or the libraries or credentials for a store are missing.
        LedgerError: the records of batches cannot be used.
    """

    def __init__(self, settings: GatewaySettings) -> None:
        self.settings = settings
        self.roots = Roots(settings.roots, settings.stores, settings.limits.connections)
        self.listing = Threads(_LISTINGS)
        self.access = open_access(settings.access, is_unsigned=settings.unsigned, public_url=settings.public_url)
        self.runs = None if settings.runs is None else RunManager(settings.runs)
        self.picture_urls = PictureUrls(settings.picture_urls, unsigned=settings.unsigned)
        create_renderer = partial(
            Renderer,
            settings.pool,
            settings.sandbox,
            self.picture_urls.with_files,
            self.picture_urls.files.contents,
        )
        self.pictures = Pictures(settings, create_renderer, self.roots)
        self.derivatives = create_derivatives(settings, self.picture_urls.recipes.presets)
        self.on_demand = OnDemand(self.pictures, self.derivatives)
        self.metrics = GatewayMetrics()
        self.metrics.follow(self.pictures)
        if self.runs is not None:
            self.metrics.follow_runs(self.runs)
        if self.derivatives is not None:
            self.metrics.follow_derivatives(self.derivatives)
            self.derivatives.on_put = self._note_put
        self.tracer = Tracer("forkresize-gateway", _LOG.warning)
        self.readiness = Readiness(self._checks(), optional=_OPTIONAL)

    async def open(self) -> None:
        """Start what runs beside the requests."""
        self.pictures.open()
        if self.derivatives is not None:
            self.derivatives.open()
        if self.runs is not None:
            await self.runs.open()

    def stop_streams(self) -> None:
        """End the responses that last until something happens: the server waits for all others."""
        if self.runs is not None:
            self.runs.feeds.close()

    async def close(self) -> None:
        """End it."""
        if self.runs is not None:
            await self.runs.close()
        if self.derivatives is not None:
            await self.derivatives.close()
        self.pictures.close()
        await self.access.close()
        self.readiness.close()
        self.roots.close()
        self.listing.close()
        await asyncio.get_running_loop().run_in_executor(None, self.tracer.close)

    def _note_put(self, put: Put) -> None:
        self.metrics.add_put(put)
        self.tracer.send(make_put_span(put))

    @property
    def _cluster(self) -> ClusterSettings | None:
        return None if self.settings.runs is None else self.settings.runs.cluster

    def _checks(self) -> dict[str, Check]:
        stores = [self.roots.store(name) for name in self.roots.names]
        found: dict[str, Check] = {"pool": partial(check_pool, self.pictures), "store": partial(check_stores, stores)}
        if (cluster := self._cluster) is not None:
            found["database"] = partial(check_database, cluster.ledger)
            found["broker"] = partial(check_broker, cluster.broker)
        if self.derivatives is not None:
            found["derivatives"] = partial(check_derivatives, self.derivatives.store)
        ledger = self.settings.derivatives.ledger
        if ledger is not None and LedgerUrl(ledger).path is None:
            found["derivatives_ledger"] = partial(check_database, ledger)
        return found
