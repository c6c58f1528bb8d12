"""The options of ``forkresized gateway`` about batches."""

import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from forkresize.cli.types import MEMORY, whole
from forkresize.daemon.named import parse_named
from forkresize.errors import FieldError
from forkresize.gateway.runs.places import Places
from forkresize.gateway.runs.settings import ClusterSettings, RunsSettings

_LOG = logging.getLogger("forkresize.gateway")

F = TypeVar("F", bound=Callable[..., Any])

_NEED_DESTINATION = ("state_dir", "batches", "batch_workers", "batch_memory")

_OF_CLUSTER = ("cluster", "ledger", "cluster_key")
"""Options whose variables may be those of all programs of a cluster."""

_NO_EFFECT = "has no effect without a destination for batches"

_OPTIONS = (
    click.option(
        "--destination",
        "destinations",
        multiple=True,
        metavar="NAME=URL",
        help="Let batches write below this path or URL, such as web=s3://web; may be repeated. [default: no batches]",
    ),
    click.option(
        "--cluster",
        metavar="URL",
        envvar="FORKRESIZE_CLUSTER",
        help="Have the nodes of a cluster do batches; its broker. [default: this machine does them]",
    ),
    click.option(
        "--ledger",
        metavar="URL",
        envvar="FORKRESIZE_LEDGER",
        help="The ledger; with --cluster, its database: postgresql://USER@HOST/DATABASE. A password belongs into "
        "~/.pgpass or PGPASSWORD.",
    ),
    click.option(
        "--cluster-key",
        metavar="FILE",
        help="Sign messages and manifests with the key in this file, or in FORKRESIZE_CLUSTER_KEY.",
    ),
    click.option(
        "--state-dir",
        metavar="DIRECTORY",
        help="Keep the records of batches of this machine here. [default: ~/.local/state/forkresize/gateway]",
    ),
    click.option("--batches", type=whole("n", 1), help="Batches at the same time. [default: 1; with --cluster, 8]"),
    click.option("--batch-workers", type=whole("n", 1), help="Workers of a batch on this machine. [default: the CPUs]"),
    click.option("--batch-memory", type=MEMORY, help="Memory of these workers. [default: 30 % of what is available]"),
)


def runs_options(command: F) -> F:
    """Add the options about batches."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def make_runs_settings(options: Mapping[str, Any], roots: Mapping[str, str]) -> RunsSettings | None:
    """Return the settings of batches; None for a gateway that does none.

    Args:
        options: of the command.
        roots: that batches may read.

    Raises:
        FieldError: an option is malformed, or needs another one.
        RecipeFileError: the file of a preset cannot be read, or holds an invalid recipe.
    """
    from forkresize.gateway.imgproxy.presets import load_presets

    destinations = parse_named("destination", options["destinations"])
    if not destinations:
        for name in _NEED_DESTINATION:
            if options[name] is not None:
                raise FieldError(name, _NO_EFFECT)
        _check_cluster_options(options)
        return None
    cluster = None
    if options["cluster"] is not None:
        if options["ledger"] is None:
            raise FieldError("cluster", "needs the database of the cluster as the ledger")
        cluster = ClusterSettings(broker=options["cluster"], ledger=options["ledger"], key_file=options["cluster_key"])
    return RunsSettings(
        places=Places(roots, destinations),
        presets=load_presets(parse_named("preset", options["presets"])),
        cluster=cluster,
        state_dir=options["state_dir"] or "",
        ledger=options["ledger"],
        slots=options["batches"],
        workers=options["batch_workers"],
        memory=options["batch_memory"],
        sandbox=options["sandbox"],
    )


def _check_cluster_options(options: Mapping[str, Any]) -> None:
    """Refuse options that have no effect on a command line, and say so of variables."""
    context = click.get_current_context()
    for name in _OF_CLUSTER:
        if options[name] is None:
            continue
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise FieldError(name, _NO_EFFECT)
        _LOG.warning("the variable of --%s %s", name.replace("_", "-"), _NO_EFFECT)
