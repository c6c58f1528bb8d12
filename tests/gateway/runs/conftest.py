"""Registries of runs on this machine and on a cluster, with pictures to process."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from msgspec.json import encode
from msgspec.structs import replace

from forkresize.cluster.app import queue_name
from forkresize.cluster.publisher import Publisher
from forkresize.cluster.spec import QUEUES
from forkresize.gateway.runs.manager import RunManager
from forkresize.gateway.runs.places import Places
from forkresize.gateway.runs.queries import Caller
from forkresize.gateway.runs.request import RunRequest, decode_request
from forkresize.gateway.runs.run import Event, Run, RunState
from forkresize.gateway.runs.settings import ClusterSettings, RunsSettings
from tests.cluster.lab import NodeProcess, draw_jpeg

DEADLINE = 60.0

CALLER = Caller("key:web")


class Place(Struct, frozen=True):
    """Where the runs of a test are done.

    Attributes:
        folder: with the pictures in ``in``; outputs are below ``out``.
        settings: of a gateway; all gateways of a test share their records.
        node: of a cluster.
    """

    folder: Path
    settings: RunsSettings
    node: Any = None

    @asynccontextmanager
    async def open(self, **changes: Any) -> AsyncIterator[RunManager]:
        """Open a registry, as a gateway does."""
        manager = RunManager(replace(self.settings, **changes))
        await manager.open()
        try:
            yield manager
        finally:
            await manager.close()

    def outputs(self, below: str = "") -> list[str]:
        """Return the names of the outputs below a folder."""
        found = self.folder / "out" / below
        return sorted(str(path.relative_to(found)) for path in found.rglob("*.jpg"))


def draw_pictures(folder: Path, count: int, size: tuple[int, int] = (320, 240)) -> None:
    """Draw pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    data = draw_jpeg(count, size)
    for number in range(count):
        (folder / f"{number:03}.jpg").write_bytes(data)


def make_request(destination: str, source: str = "photos", **changes: Any) -> RunRequest:
    """Return a request for small pictures."""
    body = {"sources": [source], "destination": destination, "recipe": {"renditions": [{"width": 40}]}, **changes}
    return decode_request(encode(body))


async def follow(manager: RunManager, run: str, after: int = 0, count: int | None = None) -> list[Event]:
    """Return the events of a run until it has ended, or so many."""
    events: list[Event] = []
    async with asyncio.timeout(DEADLINE), manager.listen(run) as feed:
        while count is None or len(events) < count:
            found = await feed.after(after, DEADLINE)
            assert found
            events += found
            after = events[-1].number
            if (await manager.get(run, CALLER)).state.is_final and after == (await manager.get(run, CALLER)).last_event:
                break
    return events


async def wait_for_run(manager: RunManager, run: str, is_due: Callable[[Run], object]) -> Run:
    """Return a run when a condition is true for it."""
    async with asyncio.timeout(DEADLINE):
        while True:
            found = await manager.get(run, CALLER)
            if is_due(found):
                return found
            assert not found.state.is_final, found
            await asyncio.sleep(0.02)


async def wait_for_end(manager: RunManager, run: str) -> Run:
    """Return a run when it has ended."""
    return await wait_for_run(manager, run, lambda found: found.state.is_final)


def run_async(scenario: Callable[[], Awaitable[None]]) -> None:
    """Run a scenario in an event loop."""

    async def main() -> None:
        await scenario()

    asyncio.run(main())


@pytest.fixture
def here(tmp_path: Path) -> Place:
    """This machine."""
    draw_pictures(tmp_path / "in", 12)
    places = Places({"photos": str(tmp_path / "in")}, {"web": str(tmp_path / "out")})
    return Place(tmp_path, RunsSettings(places=places, state_dir=str(tmp_path / "state"), workers=1, nice=0))


@contextlib.contextmanager
def run_cluster(folder: Path, broker: Any, postgresql: Any, *arguments: str) -> Iterator[Place]:
    """Run a cluster with one node, whose pictures are files."""
    draw_pictures(folder / "in", 12)
    with Publisher(broker.url) as publisher:
        publisher.check()
        for name in QUEUES:
            publisher._connection.default_channel.queue_purge(queue_name(name))  # noqa: SLF001 -- no other way is needed.
    ledger = postgresql.new_database()
    node = start_node(folder, broker.url, ledger, *arguments)
    places = Places({"photos": str(folder / "in")}, {"web": str(folder / "out")})
    cluster = ClusterSettings(broker=broker.url, ledger=ledger)
    try:
        yield Place(folder, RunsSettings(places=places, cluster=cluster), node)
    finally:
        node.kill()


def start_node(folder: Path, broker: str, ledger: str, *arguments: str) -> NodeProcess:
    """Start a node with one worker; return it when it is ready."""
    program = os.path.join(os.path.dirname(sys.executable), "forkresized")
    command = [
        program,
        "node",
        "--cluster",
        broker,
        "--ledger",
        ledger,
        "-j",
        "1",
        "--allow",
        folder.as_uri(),
        *arguments,
    ]
    node = NodeProcess(command, {}, folder / f"node-{len(list(folder.glob('node-*')))}.log")
    node.wait_until_ready()
    return node


FINAL = {state for state in RunState if state.is_final}
