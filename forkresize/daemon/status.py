"""``forkresized status``: the nodes, queues, runs and chunks of a cluster."""

import json
import sys
from typing import Any

import click
from msgspec import to_builtins

from forkresize.cli.types import whole
from forkresize.cluster.database import ClusterDatabase
from forkresize.cluster.database.values import ChunkState, ListedRun, NodeRow, Progress, RunState
from forkresize.cluster.publisher import Publisher
from forkresize.daemon.options import cluster_options
from forkresize.daemon.table import escape, format_age, format_table

_NODE_HEADINGS = ["NODE", "STATE", "WORKERS", "CHUNKS", "SEEN", "MAY USE"]
_RUN_HEADINGS = ["RUN", "STATE", "PICTURES", "PENDING", "AT WORK", "DONE", "NODES LOST", "AGE", "DESTINATION"]
_CHUNK_HEADINGS = ["RUN", "CHUNK", "NODE", "PICTURES", "TIME"]


@click.command(short_help="Show the nodes, queues, runs and chunks of a cluster.")
@cluster_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--runs", type=whole("n", 1), default=10, show_default=True, help="How many runs to show, latest first.")
def status(cluster: str, ledger: str, as_json: bool, runs: int) -> None:
    """Show the nodes, queues, runs and chunks of a cluster."""
    with Publisher(cluster) as publisher, ClusterDatabase(ledger) as database:
        found = collect_status(publisher, database, runs)
    sys.stdout.write(json.dumps(found, indent=2) + "\n" if as_json else format_status(found))


def collect_status(publisher: Publisher, database: ClusterDatabase, limit: int) -> dict[str, Any]:
    """Return the state of a cluster, ready for JSON.

    Args:
        publisher: of its broker.
        database: of the cluster.
        limit: how many runs to return at most.

    Raises:
        ClusterError: the broker cannot be used.
        LedgerError: the database cannot be used.
    """
    runs = [(run, database.runs.progress(run.run)) for run in database.runs.recent(limit)]
    return {
        "nodes": [_describe_node(node) for node in database.nodes.list()],
        "queues": publisher.depths(),
        "runs": [_describe_run(run, progress) for run, progress in runs if progress is not None],
        "chunks": [to_builtins(chunk) for chunk in database.runs.working()],
    }


def format_status(found: dict[str, Any]) -> str:
    """Return the tables of what ``collect_status`` returned."""
    queues = [[name, str(waiting)] for name, waiting in found["queues"].items()]
    tables = (
        format_table(_NODE_HEADINGS, [_node_row(each) for each in found["nodes"]], "no node is connected"),
        format_table(["QUEUE", "MESSAGES"], queues, "no queues"),
        format_table(_RUN_HEADINGS, [_run_row(each) for each in found["runs"]], "no runs")
        + "".join(f"run {run['run']} waits: {escape(run['refusal'])}\n" for run in found["runs"] if run["refusal"]),
        format_table(_CHUNK_HEADINGS, [_chunk_row(each) for each in found["chunks"]], "no chunk is worked on"),
    )
    return "\n".join(tables)


def _node_row(node: dict[str, Any]) -> list[str]:
    numbers = [str(node["workers"]), str(node["chunks"]), format_age(node["seen_seconds"])]
    return [node["name"], node["state"], *numbers, " ".join(node["allow"])]


def _run_row(run: dict[str, Any]) -> list[str]:
    chunks = [str(run["chunks"].get(state, 0)) for state in ("pending", "leased", "done")]
    pictures = f"{run['pictures_done']}/{run['pictures']}"
    age = format_age(run["age_seconds"])
    return [str(run["run"]), run["state"], pictures, *chunks, str(run["losses"]), age, run["destination"]]


def _chunk_row(chunk: dict[str, Any]) -> list[str]:
    pictures = f"{chunk['made']}/{chunk['count']}"
    return [str(chunk["run"]), str(chunk["number"]), chunk["node"], pictures, format_age(chunk["seconds"])]


def _describe_node(node: NodeRow) -> dict[str, Any]:
    return {
        "name": node.info.name,
        "state": node.state,
        "workers": node.info.workers,
        "memory": node.info.memory,
        "chunks": node.chunks,
        "age_seconds": round(node.age, 1),
        "seen_seconds": round(node.seen, 1),
        "allow": node.info.allow,
        "queues": node.info.queues,
        "version": node.info.version,
        "requires_signatures": node.info.key,
    }


def _describe_run(run: ListedRun, progress: Progress) -> dict[str, Any]:
    is_cancelled = run.cancelled and run.state in {RunState.OPEN, RunState.CLOSED}
    return {
        "run": run.run,
        "state": "cancelling" if is_cancelled else run.state.value,
        "destination": run.spec.destination,
        "sources": run.spec.sources,
        "queue": run.spec.queue,
        "owner": run.owner,
        "detached": run.detached,
        "age_seconds": round(run.age, 1),
        "chunks": {state.value: progress.chunks.get(state, 0) for state in ChunkState if state is not ChunkState.SPLIT},
        "pictures": progress.pictures,
        "pictures_done": progress.pictures_done,
        "counts": progress.counts,
        "losses": progress.lost,
        "refusal": "" if progress.is_finished else run.refusal,
    }
