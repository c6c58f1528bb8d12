"""Measure a cluster on this machine: its second node, its overhead, and how soon it goes on when a node is killed.

    python -m benchmarks.cluster nodes        # two nodes of one worker each, compared with one
    python -m benchmarks.cluster overhead     # one node of two workers, compared with the command without a cluster
    python -m benchmarks.cluster takeover     # from the SIGKILL of a node until others have its chunks
    python -m benchmarks.cluster rolling      # all nodes restarted during a run, compared with an undisturbed one

The servers are private instances: PostgreSQL, the broker, and ministack for S3, which share the machine with the nodes.
Nodes run, and have rendered pictures, before the time of a run begins. The two sides of a comparison alternate, and
which one is first, too; the results are medians of the ratios.
"""

import argparse
import itertools
import signal
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from benchmarks.cluster_servers import start_servers
from benchmarks.cluster_world import BUCKET, Process, World, draw_patches, wait_until
from benchmarks.photographs import draw
from benchmarks.remote import busy_seconds, print_ratio

RECIPE = ("--width", "400,800,1600", "--format", "avif,webp,jpeg")
"""What is made of the photographs: the example of the documentation of buckets."""

BARS = {"rabbitmq": 5.0, "redis": 60.0}
"""Seconds within which the work of a killed node has to go on."""

_DEADLINE = 600.0
_WARM_UP = 64
"""Small pictures that are made before the measurement: enough for chunks of all nodes."""

_LEASED = "SELECT run, number FROM forkresize.chunk WHERE state = 'leased' AND node LIKE 'victim.%'"
_ROLLED = ("first", "second")
"""The nodes that are restarted during a run."""

_DONE = """SELECT FROM forkresize.chunk JOIN forkresize.batch USING (run)
WHERE batch.state IN ('open', 'closed') AND chunk.state = 'done'"""
_WAITING = "SELECT FROM forkresize.chunk WHERE state = 'pending' LIMIT 1"
_LEFT = """SELECT FROM forkresize.chunk
WHERE (run, number) IN ({chunks}) AND (state = 'pending' OR (state = 'leased' AND node LIKE 'victim.%'))"""


class Cluster:
    """A world whose runs are timed.

    Args:
        world: the servers, with photographs below ``in``.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self._numbers = itertools.count()

    def time_run(self) -> float:
        """Return the seconds of a run on the nodes that are there."""
        return self._time(lambda: self._run("in"))

    def time_plain(self, workers: int) -> float:
        """Return the seconds of a run without a cluster."""
        return self._time(lambda: self.world.run_plain(self._destination(), "--workers", str(workers)))

    def time_rolling_run(self) -> float:
        """Return the seconds of a run during which all nodes are restarted, one after another.

        Raises:
            RuntimeError: the run has ended before, has failed, or has lost a node.
        """
        return self._time(self._run_rolling)

    def _run_rolling(self) -> None:
        world = self.world
        command = world.start_command(self._destination())
        wait_until(lambda: world.query(_DONE), _DEADLINE, "finished chunk")
        for name in _ROLLED:
            started = time.perf_counter()
            world.stop_node(name)
            ended = time.perf_counter()
            world.start_ready_node(name)
            print(f"  {name}: ended in {ended - started:.2f} s, ready after {time.perf_counter() - ended:.2f} s more")
        if command.poll() is not None:
            raise RuntimeError("the run has ended before all nodes were restarted: use more --copies")
        _check(command, world)
        summary = world.read_summary()
        if summary["failed"] or summary["workers_lost"]:
            raise RuntimeError(f"{summary['failed']} outputs failed, {summary['workers_lost']} chunks were lost")

    def warm_up(self) -> None:
        """Let the nodes make small pictures."""
        self._run("small")

    def _run(self, prefix: str) -> None:
        command = self.world.start_command(self._destination(), sources=f"s3://{BUCKET}/{prefix}")
        _check(command, self.world)

    def _destination(self) -> str:
        return f"s3://{BUCKET}/out-{next(self._numbers)}"

    def _time(self, run: Callable[[], object]) -> float:
        started, busy = time.perf_counter(), busy_seconds()
        run()
        seconds = time.perf_counter() - started
        print(f"  {seconds:.2f} s; the machine was busy for {busy_seconds() - busy:.2f} s of CPU", flush=True)
        return seconds


def compare_nodes(cluster: Cluster, rounds: int) -> None:
    """Compare two nodes of one worker with one."""

    def run_with_two() -> float:
        cluster.world.start_ready_node("second")
        cluster.warm_up()
        try:
            return cluster.time_run()
        finally:
            cluster.world.stop_node("second")

    cluster.world.start_ready_node("first")
    cluster.warm_up()
    one, two = measure_pairs(rounds, cluster.time_run, run_with_two)
    print_ratio("one node / two nodes of one worker", one, two, ">= 1.9")


def compare_overhead(cluster: Cluster, rounds: int) -> None:
    """Compare one node of two workers with the command without a cluster."""
    cluster.world.start_ready_node("node", "--workers", "2")
    cluster.warm_up()
    on_node, plain = measure_pairs(rounds, cluster.time_run, lambda: cluster.time_plain(2))
    print_ratio("one node of two workers / without a cluster", on_node, plain, "<= 1.10")


def compare_rolling(cluster: Cluster, rounds: int) -> None:
    """Compare a run during which all nodes are restarted, one after another, with an undisturbed one."""
    for name in _ROLLED:
        cluster.world.start_ready_node(name)
    cluster.warm_up()
    rolled, calm = measure_pairs(rounds, cluster.time_rolling_run, cluster.time_run)
    print_ratio("all nodes restarted / undisturbed", rolled, calm, "<= 1.05")


def measure_pairs(
    rounds: int, measure_one: Callable[[], float], measure_other: Callable[[], float]
) -> tuple[list[float], list[float]]:
    """Return the results of two measurements, which alternate, in changing order."""
    one, other = list[float](), list[float]()
    for number in range(rounds):
        for result, measure in [(one, measure_one), (other, measure_other)][:: -1 if number % 2 else 1]:
            result.append(measure())
    return one, other


def measure_takeover(world: World, rounds: int) -> list[float]:
    """Return the seconds from the SIGKILL of a node until another one has each chunk that it had."""
    world.start_ready_node("other")
    found = []
    for number in range(rounds):
        world.start_ready_node("victim")
        command = world.start_command(f"s3://{BUCKET}/killed-{number}", sources=f"s3://{BUCKET}/large")
        wait_until(lambda: len(_leased_chunks(world)) > 1 and world.query(_WAITING), _DEADLINE, "leased chunk")
        found.append(_time_takeover(world))
        _check(command, world)
    return found


def _time_takeover(world: World) -> float:
    victim = world.nodes.pop("victim")
    # It finishes and takes no chunk while they are looked up.
    victim.send_signal(signal.SIGSTOP)
    chunks = ", ".join(map(str, _leased_chunks(world)))
    started = time.perf_counter()
    victim.kill()
    victim.wait()
    wait_until(lambda: not world.query(_LEFT.format(chunks=chunks)), _DEADLINE, "other node that takes the chunks")
    seconds = time.perf_counter() - started
    print(f"  {seconds:.2f} s until the chunks {chunks} were taken", flush=True)
    return seconds


def _leased_chunks(world: World) -> list[tuple[int, int]]:
    return [(run, number) for run, number in world.query(_LEASED)]


def _check(command: Process, world: World) -> None:
    """Wait for a run, which must make everything."""
    code = command.wait(_DEADLINE)
    if code:
        raise RuntimeError(f"the run ended with {code}: {(world.folder / 'command.log').read_text()[-2000:]}")


@contextmanager
def start_cluster(broker: str, copies: int) -> Iterator[Cluster]:
    """Run the servers until the block ends, with so many copies of four photographs in the bucket."""
    with (
        tempfile.TemporaryDirectory(prefix="forkresize-cluster-") as folder,
        start_servers(Path(folder), broker) as servers,
        World(Path(folder), *servers) as world,
    ):
        world.bypass_proxy()
        world.recipe = RECIPE
        photographs = Path(folder) / "photographs"
        draw(photographs, Random(0))
        files = sorted(photographs.iterdir())
        world.put_sources((f"{copy:02}/{path.name}", path.read_bytes()) for copy in range(copies) for path in files)
        put_patches(world, "small", _WARM_UP, (160, 120))
        yield Cluster(world)


def put_patches(world: World, prefix: str, count: int, size: tuple[int, int]) -> None:
    """Put pictures of smooth patches into the bucket."""
    colors = Random(1)
    world.put_sources(((f"{number:05}.jpg", draw_patches(colors, size)) for number in range(count)), prefix)


def run_comparison(compare: Callable[[Cluster, int], None], arguments: argparse.Namespace) -> None:
    """Run a comparison with the first broker that was asked for."""
    with start_cluster(arguments.broker[0], arguments.copies) as cluster:
        compare(cluster, arguments.rounds)


def run_takeovers(arguments: argparse.Namespace) -> None:
    """Measure the time until work goes on, with each broker."""
    for broker in arguments.broker:
        with start_cluster(broker, 0) as cluster:
            cluster.world.recipe = ("--width", "400", "--format", "webp")
            put_patches(cluster.world, "large", arguments.pictures, (1600, 1200))
            found = measure_takeover(cluster.world, arguments.rounds)
        print(f"{broker}: median {statistics.median(found):.2f} s, worst {max(found):.2f} s, bar {BARS[broker]:.0f} s")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cases: dict[str, Callable[[argparse.Namespace], None]] = {
        "nodes": lambda arguments: run_comparison(compare_nodes, arguments),
        "overhead": lambda arguments: run_comparison(compare_overhead, arguments),
        "takeover": run_takeovers,
        "rolling": lambda arguments: run_comparison(compare_rolling, arguments),
    }
    parser.add_argument("what", choices=cases)
    parser.add_argument("--broker", choices=BARS, action="append", help="[rabbitmq; takeover: both]")
    parser.add_argument("--copies", type=int, default=12, help="of four photographs [%(default)s]")
    parser.add_argument("--pictures", type=int, default=400, help="of the run whose node is killed [%(default)s]")
    parser.add_argument("--rounds", type=int, help="[nodes, rolling 2, others 3]")
    arguments = parser.parse_args()
    arguments.broker = arguments.broker or list(BARS)
    arguments.rounds = arguments.rounds or (2 if arguments.what in {"nodes", "rolling"} else 3)
    cases[arguments.what](arguments)


if __name__ == "__main__":
    main()
