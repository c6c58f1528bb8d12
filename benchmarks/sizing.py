"""Count what a batch costs on a cluster, for each million pictures: requests to the store, CPU, rows and messages.

    python -m benchmarks.sizing --copies 25    # 100 photographs to AVIF, WebP and JPEG in three widths
    python -m benchmarks.sizing --tiny 4000    # small pictures to one size

A first run makes everything, a second one finds all of it unchanged. The client and one node of one worker reach a real
S3 server through a proxy that counts their requests. CPU is that of all processes of a program.
"""

import argparse
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from urllib.parse import parse_qs, urlsplit

from msgspec import Struct

from benchmarks.cluster import RECIPE
from benchmarks.cluster_servers import start_servers
from benchmarks.cluster_world import BUCKET, World, descendants, draw_patches
from benchmarks.photographs import draw
from forkresize.cluster.chunker import Chunker
from forkresize.job import Job, Output, Source

_DEADLINE = 1800.0
_MILLION = 1_000_000
_OWN = "of its own"
"""How requests are named that are not for pictures: manifests, outcomes, the lock."""

_TICKS = os.sysconf("SC_CLK_TCK")

_SIZE = "SELECT pg_total_relation_size('forkresize.output') / greatest(count(*), 1), count(*) FROM forkresize.output"
_CHUNKS = "SELECT count(*) FROM forkresize.chunk"


class Cost(Struct, frozen=True):
    """What a run cost.

    Attributes:
        requests: to the store, by kind.
        node_seconds: of CPU of the node: its front process, its pool and its workers.
        client_seconds: of CPU of the command.
        node_memory: most bytes that the front process of the node took at once.
    """

    requests: Counter[str]
    node_seconds: float
    client_seconds: float
    node_memory: int


def measure(world: World, destination: str) -> Cost:
    """Do a run, and return what it cost."""
    world.proxy.requests.clear()
    node = world.nodes["node"].pid
    before = _cpu_of(node)
    own = os.times()
    command = world.start_command(destination)
    if command.wait(_DEADLINE):
        raise RuntimeError(f"the run failed: {(world.folder / 'command.log').read_text()[-2000:]}")
    now = os.times()
    client = now.children_user + now.children_system - own.children_user - own.children_system
    requests = Counter(_kind(*request) for request in world.proxy.requests)
    return Cost(requests, _cpu_of(node) - before, client, _peak_memory(node))


def _kind(method: str, path: str) -> str:
    query = parse_qs(urlsplit(path).query, keep_blank_values=True)
    place = _OWN if ".forkresize" in path else "of pictures"
    if "list-type" in query:
        return "LIST"
    return f"{'DELETE' if 'delete' in query else method} {place}"


def _cpu_of(pid: int) -> float:
    """Return the seconds of CPU of a process, and of all processes below it that live or were waited for."""
    total = 0.0
    for each in (pid, *(child for child, _ in descendants(pid))):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        total += sum(map(int, fields[11:15])) / _TICKS
    return total


def _peak_memory(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


def print_costs(world: World, sources: int, name: str) -> None:
    """Measure both runs, and print a table for a million sources."""
    destination = f"s3://{BUCKET}/out-{name}"
    first, second = measure(world, destination), measure(world, destination)
    ((row_bytes, rows),) = world.query(_SIZE)
    ((chunks,),) = world.query(_CHUNKS)
    factor, in_million = _MILLION / sources, count_chunks(_MILLION)
    print(f"{name}: {sources} sources, {rows} outputs, {chunks} chunks; for a million sources:")
    print(f"{'':28}{'first run':>14}{'unchanged':>14}")
    for kind in sorted({*first.requests, *second.requests}):
        # Chunks of large runs have more pictures.
        made = in_million / chunks if kind.endswith(_OWN) else factor
        print(f"{kind:28}{first.requests[kind] * made:14,.0f}{second.requests[kind] * factor:14,.0f}")
    for title, field in (("CPU hours of nodes", "node_seconds"), ("CPU hours of the command", "client_seconds")):
        hours = [getattr(cost, field) * factor / 3600 for cost in (first, second)]
        print(f"{title:28}{hours[0]:14,.1f}{hours[1]:14,.1f}")
    print(f"chunks, each with a message: {in_million:,}")
    print(f"a record takes {row_bytes} bytes of the database, with its indexes")
    print(f"front process of the node: at most {first.node_memory / 1e6:.0f} MB")


def count_chunks(sources: int) -> int:
    """Return how many chunks a run of so many sources has."""
    chunker, job = Chunker(), Job(Source("a", "a", 1), (Output("a"),))
    return sum(bool(chunker.add(job)) for _ in range(sources)) + bool(chunker.take())


@contextmanager
def start_world(broker: str) -> Iterator[World]:
    """Run the servers and a node until the block ends."""
    with (
        tempfile.TemporaryDirectory(prefix="forkresize-sizing-") as folder,
        start_servers(Path(folder), broker) as servers,
        World(Path(folder), *servers) as world,
    ):
        world.start_ready_node("node")
        yield world


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--broker", choices=["rabbitmq", "redis"], default="redis", help="[%(default)s]")
    parser.add_argument("--copies", type=int, default=0, help="of four photographs [%(default)s]")
    parser.add_argument("--tiny", type=int, default=0, help="pictures of 320 x 240 pixels [%(default)s]")
    arguments = parser.parse_args()
    colors = Random(1)
    if arguments.tiny:
        with start_world(arguments.broker) as world:
            world.recipe = ("--width", "80")
            tiny = ((f"{number:06}.jpg", draw_patches(colors, (320, 240))) for number in range(arguments.tiny))
            world.put_sources(tiny)
            print_costs(world, arguments.tiny, "tiny")
    if arguments.copies:
        with start_world(arguments.broker) as world:
            world.recipe = RECIPE
            folder = world.folder / "photographs"
            draw(folder, Random(0))
            files = sorted(folder.iterdir())
            world.put_sources(
                (f"{n:04}/{path.name}", path.read_bytes()) for n in range(arguments.copies) for path in files
            )
            print_costs(world, arguments.copies * len(files), "photographs")


if __name__ == "__main__":
    main()
