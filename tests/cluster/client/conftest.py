"""A cluster for clients: a real database, a directory, a queue in this process, and nodes that make no pictures."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from forkresize.batch.executor import OnTick
from forkresize.cluster.client.connection import Connection, Request
from forkresize.cluster.client.executor import ClusterExecutor
from forkresize.cluster.database import ClusterDatabase
from forkresize.cluster.spec import RunSpec
from forkresize.job import Job, Output, Source
from forkresize.store import LocalStore
from tests.cluster.scripted_node import Broker, ScriptedNode

SPEC = RunSpec(sources=["file:///in"], destination="file:///out", recipe="{}")

MakeNode = Callable[[str], ScriptedNode]
MakeExecutor = Callable[..., ClusterExecutor]


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    """The destination."""
    return LocalStore(str(tmp_path / "out"))


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def notices() -> list[str]:
    return []


@pytest.fixture
def connection(database: ClusterDatabase, broker: Broker, notices: list[str]) -> Connection:
    return Connection(database, broker, None, notices.append)


@pytest.fixture
def make_node(url: str, store: LocalStore, broker: Broker) -> Iterator[MakeNode]:
    """Create a node with a name."""
    with ExitStack() as stack:
        yield lambda name: stack.enter_context(ScriptedNode(url, store, broker, name))


@pytest.fixture
def node(make_node: MakeNode) -> ScriptedNode:
    return make_node("node-1")


@pytest.fixture
def make_executor(connection: Connection, store: LocalStore) -> MakeExecutor:
    """Create the executor of a run with a number; further arguments are those of the request."""

    def make(number: int = 1, on_tick: OnTick | None = None, shard: str = "", **request: Any) -> ClusterExecutor:
        spec = replace(SPEC, shard=shard)
        executor = ClusterExecutor(connection, Request(spec=spec, store=store, **request), on_tick)
        executor.begin(number)
        return executor

    return make


@pytest.fixture
def jobs() -> list[Job]:
    """A hundred jobs."""
    return [Job(Source(f"/in/{n:03}.jpg", f"{n:03}.jpg", 1000), (Output(f"{n:03}.jpg"),)) for n in range(100)]
