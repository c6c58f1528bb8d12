"""What tests of clients let happen while a run goes on, and what they look at."""

import time
from collections.abc import Callable, Iterable

from forkresize.batch.executor import NodeResult
from forkresize.cluster.database import ClusterDatabase
from forkresize.cluster.database.values import Lease, RunRow
from forkresize.cluster.manifest import run_directory
from forkresize.job import Job
from forkresize.store import LocalStore
from tests.cluster.scripted_node import ScriptedNode


class Script:
    """At each tick, it calls the first of some functions. One that returns False or nothing to see is called again."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        self._steps = list(steps)

    def __call__(self, _: object) -> None:
        while self._steps:
            result = self._steps[0]()
            if result is not None and not result:
                return
            self._steps.pop(0)


class Died(Exception):  # noqa: N818 -- what happens to a client.
    """The client of a run has died."""


def die() -> None:
    raise Died


def wait_until(is_true: Callable[[], object], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def take(node: ScriptedNode) -> Lease:
    lease = node.take()
    assert lease is not None
    return lease


def row_of(database: ClusterDatabase, run: int = 1) -> RunRow:
    row = database.runs.get(run)
    assert row is not None
    return row


def names_of(jobs: list[Job]) -> list[str]:
    return sorted(job.source.relative for job in jobs)


def names(results: Iterable[NodeResult]) -> list[str]:
    return sorted(result.item.source.relative for result in results)


def documents(store: LocalStore, run: int = 1) -> list[str]:
    return [info.key for info in store.scan(f"{run_directory(run)}/")]
