"""``forkresized gateway``: pictures and batches by HTTP."""

from typing import Any

import click

from forkresize.cli.types import BYTES, DURATION, whole
from forkresize.daemon.access_options import access_options, create_access_settings, create_wire_limits
from forkresize.daemon.logs import configure_logging
from forkresize.daemon.named import parse_named
from forkresize.daemon.options import observation_options, worker_options
from forkresize.daemon.picture_options import derivative_settings, picture_options, picture_settings
from forkresize.daemon.runs import make_runs_settings, runs_options
from forkresize.pool import PoolOptions, SandboxMode
from forkresize.store.objects import StoreOptions

_NICE = 5
"""Of the workers, so that the process that serves gets a CPU as soon as it needs one: it needs little."""


@click.command(short_help="Serve pictures by HTTP until it is asked to stop.")
@click.option(
    "--root",
    "roots",
    multiple=True,
    required=True,
    metavar="NAME=URL",
    help="Serve the pictures below this path or URL, such as photos=./in or photos=s3://photos; may be repeated.",
)
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Listen on this address.")
@click.option("--port", type=whole("n", 0, 65535), default=8080, show_default=True, help="Listen on this port; 0: any.")
@click.option("--public-url", default="", metavar="URL", help="Where clients reach it. [default: as each request says]")
@picture_options
@click.option("--timeout", type=DURATION, default="10s", show_default=True, help="Time limit per request.")
@click.option("--max-size", type=BYTES, default="64M", show_default=True, help="Refuse larger sources and uploads.")
@click.option("--max-pixels", type=whole("mp", 1), default=100, show_default=True, help="Refuse more megapixels.")
@click.option(
    "--max-output",
    type=whole("mp", 1),
    default=25,
    show_default=True,
    help="Make no picture of more megapixels by the IIIF Image API.",
)
@click.option(
    "--queue",
    type=whole("n", 0),
    help="Pictures that may wait for a worker, except in an overload. [default: 24 per worker]",
)
@click.option("--queue-memory", type=BYTES, default="512M", show_default=True, help="Memory for sources.")
@worker_options
@click.option("--allow-http", is_flag=True, help="Reach object stores without encryption, not only on this machine.")
@access_options
@observation_options
@runs_options
def gateway(**options: Any) -> int:
    """Serve pictures by HTTP until SIGTERM or SIGINT.

    The first signal lets requests finish that have begun.
    """
    from forkresize.gateway.server import serve
    from forkresize.gateway.settings import GatewaySettings, Limits

    configure_logging(options["log_format"], verbose=options["verbose"])
    roots = parse_named("root", options["roots"])
    settings = GatewaySettings(
        roots=roots,
        host=options["host"],
        port=options["port"],
        public_url=options["public_url"],
        metrics_host=options["metrics_host"],
        metrics_port=options["metrics_port"],
        unsigned=options["unsigned"],
        picture_urls=picture_settings(options),
        derivatives=derivative_settings(options),
        limits=Limits(
            timeout=options["timeout"],
            max_file_size=options["max_size"],
            max_pixels=options["max_pixels"] * 1_000_000,
            max_output_pixels=options["max_output"] * 1_000_000,
            waiting=options["queue"],
            memory=options["queue_memory"],
        ),
        wire=create_wire_limits(options),
        access=create_access_settings(options),
        pool=PoolOptions(
            workers=options["workers"], memory=options["memory"], max_tasks=options["max_tasks"], nice=_NICE
        ),
        sandbox=SandboxMode(options["sandbox"]),
        stores=_limit_stores(options["timeout"], allow_http=options["allow_http"]),
        runs=make_runs_settings(options, roots),
    )
    return serve(settings)


def _limit_stores(seconds: float, *, allow_http: bool) -> StoreOptions:
    """Return the limits of stores for requests that have so many seconds: what hangs gives its thread back in time."""
    usual = StoreOptions()
    return StoreOptions(
        allow_http=allow_http,
        connect_timeout=min(usual.connect_timeout, seconds),
        stall_timeout=min(usual.stall_timeout, seconds),
        timeout=seconds,
        retry_timeout=seconds,
    )
