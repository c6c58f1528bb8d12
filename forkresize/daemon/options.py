"""Options that several commands of ``forkresized`` have."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from forkresize.cli.types import MEMORY, WordChoice, whole
from forkresize.daemon.logs import FORMAT_NAMES

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


def worker_options(command: F) -> F:
    """Add the options for the workers of a program: how many, their memory, and what they may do."""
    for option in (
        click.option(
            "--sandbox",
            type=WordChoice(["auto", "on", "off"]),
            default="auto",
            show_default=True,
            help="Restrict workers. auto: use what the kernel supports; on: require all layers; off: disable.",
        ),
        click.option(
            "--max-tasks",
            type=whole("n", 0),
            default=0,
            help="Restart a worker after this many images; 0: never.",
        ),
        click.option(
            "--memory", type=MEMORY, help="Memory for all workers together. [default: 60 % of what is available]"
        ),
        click.option(
            "-j", "--workers", type=whole("n", 1), help="Worker processes. [default: the CPUs this process may use]"
        ),
    ):
        command = option(command)
    return command


def observation_options(command: F) -> F:
    """Add the options for those who watch a program that runs long: its metrics and its log."""
    for option in (
        click.option("-v", "--verbose", is_flag=True, help="Log what libraries do, too."),
        click.option(
            "--log-format",
            type=WordChoice(FORMAT_NAMES),
            default="text",
            show_default=True,
            help="Write log lines for people (text) or for programs (json).",
        ),
        click.option(
            "--metrics-host",
            default="127.0.0.1",
            show_default=True,
            metavar="ADDRESS",
            help="Serve metrics at this address; everyone who reaches it can read them.",
        ),
        click.option(
            "--metrics-port",
            type=whole("n", 0, 65535),
            help="Serve metrics for Prometheus on this port; 0: any. [default: none]",
        ),
    ):
        command = option(command)
    return command
