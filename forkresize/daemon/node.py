"""``forkresized node``: a node of a cluster."""

import platform
import secrets
from typing import Any

import click

from forkresize.cli.types import DURATION, WordChoice, whole
from forkresize.cluster.signing import load_key
from forkresize.cluster.spec import QUEUES
from forkresize.daemon.logs import configure_logging
from forkresize.daemon.options import cluster_options, observation_options, worker_options
from forkresize.pool import PoolOptions, SandboxMode
from forkresize.store.objects import StoreOptions


@click.command(short_help="Take work from a cluster until it is asked to stop.")
@cluster_options
@click.option(
    "--allow",
    multiple=True,
    required=True,
    metavar="URL",
    help="Read and write below this URL, such as s3://photos or file:///srv/web; may be repeated.",
)
@worker_options
@click.option("--timeout", type=DURATION, default="0", help="Longest time limit per image that runs may set; 0: any.")
@click.option("--nice", type=whole("n", 0, 19), default=0, help="Niceness of the workers, 0 to 19.")
@click.option(
    "--queue",
    "queues",
    type=WordChoice(QUEUES),
    multiple=True,
    default=QUEUES,
    show_default=True,
    help="Take work from this queue; may be repeated.",
)
@click.option(
    "--cluster-key",
    metavar="FILE",
    help="Refuse messages and manifests that are not signed with the key in this file, or in FORKRESIZE_CLUSTER_KEY.",
)
@click.option(
    "--lease",
    type=DURATION,
    default="45s",
    show_default=True,
    help="How long other nodes wait for this one when it freezes, until they take its work.",
)
@click.option("--allow-http", is_flag=True, help="Reach object stores without encryption, not only on this machine.")
@click.option("--name", metavar="NAME", help="The beginning of the node's name. [default: the name of this machine]")
@observation_options
def node(**options: Any) -> int:
    """Take work from a cluster until SIGTERM or SIGINT.

    The first signal lets the node finish the pictures that its workers have, and return the rest. The second one stops
    it at once; the chunks that it had are done by other nodes.
    """
    from forkresize.cluster.node.node import Node
    from forkresize.cluster.node.settings import NodeSettings

    configure_logging(options["log_format"], verbose=options["verbose"])
    pool = PoolOptions(
        workers=options["workers"],
        memory=options["memory"],
        timeout=options["timeout"] or None,
        max_tasks=options["max_tasks"],
        nice=options["nice"],
    )
    settings = NodeSettings(
        cluster=options["cluster"],
        ledger=options["ledger"],
        allow=options["allow"],
        name=_unique_name(options["name"] or platform.node()),
        key=load_key(options["cluster_key"]),
        queues=tuple(options["queues"]),
        pool=pool,
        sandbox=SandboxMode(options["sandbox"]),
        lease_seconds=options["lease"],
        stores=StoreOptions(allow_http=options["allow_http"]),
        metrics_host=options["metrics_host"],
        metrics_port=options["metrics_port"],
    )
    return Node(settings).run()


def _unique_name(start: str) -> str:
    """Return a name that no other node has, and none had before on a machine of the same name."""
    return f"{start}-{secrets.token_hex(3)}"
