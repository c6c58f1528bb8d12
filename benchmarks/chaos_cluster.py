"""Kill, freeze and cut everything of a cluster at random, and check that a run and a re-run lose nothing.

A monkey with a seed kills workers, pool processes, nodes and the command, freezes nodes for longer than their lease,
restarts the broker and the database, and makes the S3 server answer 503, stall and cut connections. Afterwards, one
undisturbed run must leave the destination of a run on one machine, with each source accounted for. Run it with ``-m``
from the root of the repository; see ``--help``.
"""

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.cluster_world import BUCKET, Process, World, descendants
from forkresize.cluster.database.chunks import LEASE_SECONDS
from tests.servers.fault_proxy import Fault, Kind

_FREEZE = LEASE_SECONDS + 3
"""Seconds that a node is frozen."""

_DEADLINE = 300.0
"""Seconds within which a run has to finish a chunk when nothing disturbs it any more."""

_INTERVAL = 5.0

_METHODS = ("GET", "HEAD", "PUT")


class Monkey:
    """Disturbs a run on a cluster until it has done so often enough.

    Args:
        world: the cluster.
        seed: of all decisions.
        destination: URL of the run's destination.
    """

    def __init__(self, world: World, seed: int, destination: str) -> None:
        self.done: Counter[str] = Counter()
        self._world = world
        self._random = random.Random(seed)
        self._destination = destination
        self._frozen: list[tuple[float, int]] = []
        self._faults = contextlib.ExitStack()
        self._command = world.start_command(destination)
        self._actions: dict[Callable[[], object], int] = {
            self.kill_worker: 5,
            self.kill_pool: 3,
            self.kill_node: 3,
            self.freeze_node: 2,
            self.kill_command: 2,
            self.restart_broker: 1,
            self.restart_database: 1,
            self.fail_store: 4,
        }

    def disturb(self, times: int, pause: float) -> Process:
        """Disturb the run so often; return the command, which is still running or has ended."""
        with self._faults:
            for _ in range(times):
                time.sleep(self._random.uniform(0.2, 2) * pause)
                (act,) = self._random.choices([*self._actions], [*self._actions.values()])
                self.done[act.__name__] += 1
                act()
                self._thaw()
                self._revive()
        self._thaw(everything=True)
        return self._command

    def kill_worker(self) -> None:
        """Kill a worker, which is a grandchild of a node."""
        self._kill(2)

    def kill_pool(self) -> None:
        """Kill a pool process, which is a child of a node."""
        self._kill(1)

    def kill_node(self) -> None:
        """Kill a node."""
        node = self._random.choice([*self._world.nodes.values()])
        node.kill()

    def freeze_node(self) -> None:
        """Stop a node for longer than its lease; others do its work."""
        node = self._random.choice([*self._world.nodes.values()])
        os.kill(node.pid, signal.SIGSTOP)
        self._frozen.append((time.monotonic() + _FREEZE, node.pid))

    def kill_command(self) -> None:
        """Kill the command, and start it again."""
        self._command.kill()
        self._command.wait()
        self._command = self._world.start_command(self._destination)

    def restart_broker(self) -> None:
        """Restart the broker."""
        self._world.broker.restart()

    def restart_database(self) -> None:
        """Restart the database."""
        self._world.database.restart()

    def fail_store(self) -> None:
        """Make the next requests to the store fail."""
        kind = self._random.choice([*Kind])
        times = self._random.randint(1, 4 if kind in {Kind.STALL, Kind.STALL_ANSWER} else 30)
        self._faults.close()
        self._faults.enter_context(self._world.proxy.fail(Fault(kind, times, _METHODS)))

    def _kill(self, depth: int) -> None:
        node = self._random.choice([*self._world.nodes.values()])
        found = [pid for pid, level in descendants(node.pid) if level == depth]
        if found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._random.choice(found), signal.SIGKILL)

    def _thaw(self, *, everything: bool = False) -> None:
        now = time.monotonic()
        for until, pid in [each for each in self._frozen if everything or each[0] <= now]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
            self._frozen.remove((until, pid))

    def _revive(self) -> None:
        """Start a node again in the place of each one that has ended."""
        for name, process in self._world.nodes.items():
            if process.poll() is not None:
                self._world.start_node(name)


def run_round(
    world: World, seed: int, times: int, expected: dict[str, str], pause: float = 1.0
) -> tuple[Counter[str], list[str]]:
    """Disturb one run, and run again in peace.

    Args:
        world: the cluster, with sources and nodes.
        seed: of the monkey.
        times: how often it disturbs the run.
        expected: the objects of an undisturbed run, and their ETags.
        pause: mean seconds between two disturbances.

    Returns:
        What the monkey did, and what is wrong.
    """
    prefix = f"out-{seed}"
    destination = f"s3://{BUCKET}/{prefix}"
    monkey = Monkey(world, seed, destination)
    try:
        wait_for_end(world, monkey.disturb(times, pause))
        code = wait_for_end(world, world.start_command(destination))
    except TimeoutError as error:
        return monkey.done, [str(error), *find_unfinished(world)]
    return monkey.done, list(find_faults(world, prefix, code, expected))


def wait_for_end(world: World, command: Process) -> int:
    """Wait for a command as long as chunks are done; return its exit code.

    Raises:
        TimeoutError: no chunk was done for a long time.
    """
    done, deadline = -1, 0.0
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return command.wait(_INTERVAL)
        ((now_done,),) = world.query("SELECT count(*) FROM forkresize.chunk WHERE state = 'done'")
        if now_done != done:
            done, deadline = now_done, time.monotonic() + _DEADLINE
        if time.monotonic() > deadline:
            raise TimeoutError(f"no chunk was done for {_DEADLINE:.0f} s")


def find_unfinished(world: World) -> list[str]:
    """Return what the database knows of runs that have not ended, and of the nodes."""
    chunks = """SELECT run, number, state, handling, attempts, losses, node, made, count, published, started,
        lease_until FROM forkresize.chunk WHERE state IN ('pending', 'leased') ORDER BY state, run, number LIMIT 20"""
    counts = "SELECT run, state, count(*) FROM forkresize.chunk GROUP BY run, state ORDER BY run, state"
    nodes = "SELECT name, draining, started, seen FROM forkresize.node ORDER BY seen"
    queries = ("SELECT clock_timestamp()", counts, chunks, nodes, "SELECT count(*) FROM forkresize.outbox")
    return [f"{row}" for query in queries for row in world.query(query)]


def find_faults(world: World, prefix: str, code: int, expected: dict[str, str]) -> Iterator[str]:
    """Yield what is wrong after an undisturbed re-run that ended with an exit code."""
    if code:
        yield f"the re-run ended with {code}"
        return
    summary = world.read_summary()
    if summary["written"] + summary["unchanged"] != len(expected):
        yield f"{summary['written']} written, {summary['unchanged']} unchanged of {len(expected)}"
    found = world.list_objects(prefix)
    own = [key for key in found if key.startswith(".forkresize/")]
    if own:
        yield f"left behind: {own[:5]}"
    made = {key: tag for key, tag in found.items() if key not in own}
    if made != expected:
        other = [key for key in expected.keys() & made.keys() if made[key] != expected[key]]
        yield f"missing {expected.keys() - made.keys()}, added {made.keys() - expected.keys()}, different {other}"
    unfinished = "SELECT run, number, state FROM forkresize.chunk WHERE state IN ('pending', 'leased') LIMIT 5"
    if rows := world.query(unfinished):
        yield f"chunks that are not done: {rows}"
    if rows := world.query("SELECT run, state FROM forkresize.batch WHERE state IN ('open', 'closed')"):
        yield f"runs that have not ended: {rows}"
    if rows := world.query("SELECT run, chunk FROM forkresize.outbox LIMIT 5"):
        yield f"messages that were not published: {rows}"


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--broker", choices=["rabbitmq", "redis"], default="rabbitmq", help="[%(default)s]")
    parser.add_argument("--pictures", type=int, default=2000, help="[%(default)s]")
    parser.add_argument("--nodes", type=int, default=3, help="[%(default)s]")
    parser.add_argument("--times", type=int, default=30, help="disturbances of each run [%(default)s]")
    parser.add_argument("--rounds", type=int, default=1, help="runs, with seeds from --seed on [%(default)s]")
    parser.add_argument("--logs", type=Path, metavar="DIR", help="keep the logs of all programs in this new directory")
    parser.add_argument("--seed", type=int, default=0, help="of the first run [%(default)s]")
    return parser.parse_args()


def main() -> int:
    """Do all rounds, and print a line for each, until anything is wrong; return 1 then."""
    from benchmarks.cluster_servers import start_servers

    arguments, wrong = parse(), 0
    with (
        tempfile.TemporaryDirectory(prefix="forkresize-chaos-") as temporary,
        start_servers(Path(temporary), arguments.broker) as servers,
        World(_log_folder(arguments.logs, temporary), *servers) as world,
    ):
        world.draw_sources(arguments.pictures, seed=1)
        world.run_plain(f"s3://{BUCKET}/calm", "--no-ledger")
        expected = {key: tag for key, tag in world.list_objects("calm").items() if not key.startswith(".forkresize/")}
        for number in range(arguments.nodes):
            world.start_node(f"node-{number}")
        for seed in range(arguments.seed, arguments.seed + arguments.rounds):
            began = time.monotonic()
            done, faults = run_round(world, seed, arguments.times, expected)
            wrong += bool(faults)
            found = "\n  ".join(["", *faults]) if faults else "nothing wrong"
            print(f"seed {seed}: {time.monotonic() - began:.0f} s, {dict(done)}: {found}", flush=True)
            if faults:
                break
    return 1 if wrong else 0


def _log_folder(chosen: Path | None, temporary: str) -> Path:
    if chosen is None:
        return Path(temporary)
    chosen.mkdir(parents=True)
    return chosen


if __name__ == "__main__":
    sys.exit(main())
