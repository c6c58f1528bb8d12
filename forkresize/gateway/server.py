"""The server: listens, serves until a signal, and ends in order."""

import logging
import resource
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import uvicorn

from forkresize.exit_policy import ExitCode
from forkresize.gateway.app import create_app
from forkresize.gateway.observer import observe_refusal
from forkresize.gateway.protocol import BoundedProtocol
from forkresize.gateway.services import Services
from forkresize.gateway.settings import GatewaySettings
from forkresize.gateway.transport import listen
from forkresize.pool.signals import StopSignals
from forkresize.telemetry.metrics import MetricsServer

_LOG = logging.getLogger("forkresize.gateway")

_KEEP_ALIVE = 75
"""Seconds; longer than the 60 after which load balancers drop idle connections."""

_GRACE = 2
"""Seconds beyond the time limit of a request that requests have to end."""

_BACKLOG = 2048

_OTHER_FILES = 1024
"""Open files besides the connections: pictures in memory, connections to stores, libraries."""


class _Server(uvicorn.Server):
    """A server that ends streams before it waits for the last responses."""

    def __init__(self, config: uvicorn.Config, services: Services) -> None:
        super().__init__(config)
        self._services = services

    async def shutdown(self, sockets: list[Any] | None = None) -> None:
        """End the streams, accept no more requests, and wait for the responses."""
        self._services.stop_streams()
        await super().shutdown(sockets)


def serve(settings: GatewaySettings) -> int:
    """Serve until SIGTERM or SIGINT; return the exit code.

    The first signal lets requests finish that have begun. This process must not have forked, and never does.

    Raises:
        UsageError: a setting is invalid, or the libraries or credentials for a store are missing.
        FieldError: an address or a port cannot be used.
    """
    raise_file_limit(settings.wire.connections + _OTHER_FILES)
    # Connections wait from now on, so that what is printed is true.
    with listen(settings.host, settings.port, _BACKLOG) as socket:
        services = Services(settings)
        server = _Server(_configure(services), services)
        host, port = socket.getsockname()[:2]
        # The server handles signals itself, and then has them handled once more.
        with _serve_metrics(services) as metrics, StopSignals(lambda: None):
            _LOG.info("serving %s at http://%s:%s/", ", ".join(services.roots.names), host, port)
            if metrics is not None:
                _LOG.info("metrics are at %s", metrics.url)
            server.run(sockets=[socket])
    return ExitCode.OK if server.started else ExitCode.FATAL


def _configure(services: Services) -> uvicorn.Config:
    settings = services.settings
    return uvicorn.Config(
        create_app(services),
        host=settings.host,
        port=settings.port,
        loop="auto",
        http=partial(BoundedProtocol, settings.wire, partial(observe_refusal, services.metrics)),  # type: ignore[arg-type]  # It is called as the class would be.
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=int(settings.limits.timeout) + _GRACE,
    )


def _serve_metrics(services: Services) -> AbstractContextManager[MetricsServer | None]:
    settings = services.settings
    if settings.metrics_port is None:
        return nullcontext()
    return MetricsServer(services.metrics.registry, settings.metrics_port, settings.metrics_host)


def raise_file_limit(needed: int) -> None:
    """Let this process open as many files as it needs, or as many as it may; then warn.

    Args:
        needed: open files at the same time.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if allowed < needed:
        _LOG.warning("%d connections and files need a limit of %d open files, and it is %d", needed, needed, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
