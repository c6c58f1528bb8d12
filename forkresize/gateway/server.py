"""The server: listens, serves until a signal, and ends in order."""

import logging
import sys
from functools import partial

import uvicorn

from forkresize.exit_policy import ExitCode
from forkresize.gateway.app import create_app
from forkresize.gateway.protocol import BoundedProtocol
from forkresize.gateway.services import Services
from forkresize.gateway.settings import GatewaySettings
from forkresize.pool.signals import StopSignals

_LOG = logging.getLogger("forkresize.gateway")

_KEEP_ALIVE = 75
"""Seconds; longer than the 60 after which load balancers drop idle connections."""

_GRACE = 2
"""Seconds beyond the time limit of a request that requests have to end."""

_BACKLOG = 2048


def serve(settings: GatewaySettings) -> int:
    """Serve until SIGTERM or SIGINT; return the exit code.

    The first signal lets requests finish that have begun. This process must not have forked, and never does.

    Raises:
        UsageError: a setting is invalid, or the libraries or credentials for a store are missing.
        OSError: the address cannot be used.
    """
    services = Services(settings)
    config = uvicorn.Config(
        create_app(services),
        host=settings.host,
        port=settings.port,
        loop="asyncio",
        http=partial(BoundedProtocol, settings.wire),  # type: ignore[arg-type]  # It is called as the class would be.
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
    server = uvicorn.Server(config)
    socket = config.bind_socket()
    host, port = socket.getsockname()[:2]
    sys.stderr.write(f"forkresized: serving {', '.join(services.roots.names)} at http://{host}:{port}/\n")
    # The server handles them itself, and then has them handled once more.
    with socket, StopSignals(lambda: None):
        server.run(sockets=[socket])
    return ExitCode.OK if server.started else ExitCode.FATAL
