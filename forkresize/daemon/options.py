"""Options that several commands of ``forkresized`` have."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def cluster_options(command: F) -> F:
    """Add the options that lead to a cluster."""
    for option in (
        click.option(
            "--ledger",
            required=True,
            metavar="URL",
            envvar="FORKRESIZE_LEDGER",
            help="The database: postgresql://USER@HOST/DATABASE. A password belongs into ~/.pgpass or PGPASSWORD.",
        ),
        click.option(
            "--cluster",
            required=True,
            metavar="URL",
            envvar="FORKRESIZE_CLUSTER",
            help="The broker: amqp://HOST/ for RabbitMQ, or redis://HOST:PORT/NUMBER.",
        ),
    ):
        command = option(command)
    return command
