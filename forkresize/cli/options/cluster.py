"""The options of runs on a cluster: its broker and its key, and what this process does about a run."""

import click

from forkresize.cli.options.model import Option
from forkresize.cli.types import whole

CLUSTER = [
    Option(
        "--cluster",
        metavar="URL",
        help="Have the nodes of a cluster process the images; see 'forkresized node'. URL is its broker, such as "
        "amqp://host/ or redis://host:6379/0; --ledger is its PostgreSQL database.",
    ),
    Option(
        "--cluster-key",
        type=click.Path(dir_okay=False),
        metavar="FILE",
        help="Sign messages and manifests with the key in this file, which all nodes share. [default: the key in "
        "FORKRESIZE_CLUSTER_KEY, if it is set]",
    ),
    Option("--detach", is_flag=True, help="Print the number of the run when all of it is published, and exit."),
    Option(
        "--attach",
        type=whole("n", 1),
        metavar="N",
        help="Follow run N of the cluster to its end, from any machine. Takes no SOURCE and no DESTINATION.",
    ),
]
