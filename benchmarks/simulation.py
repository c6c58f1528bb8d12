"""The model of a run on a cluster, as events: listing, chunks, transfers, rendering, records, and losses of nodes."""

import heapq
import random
from collections.abc import Generator, Iterator
from typing import Any, NamedTuple

import simpy
from msgspec import Struct

Events = Generator[simpy.Event, Any, None]


class Cluster(Struct, frozen=True, kw_only=True):
    """What is simulated: the work, the machines, and the measured rates of what they share. Times are in seconds.

    Attributes:
        pictures: sources to process.
        picture_seconds: CPU time of a picture with all of its outputs.
        picture_bytes: size of a source.
        outputs: files made of each picture.
        output_bytes: size of each.
        chunk: pictures in a chunk.
        nodes: machines.
        workers: of a node.
        slots: chunks that a node has at the same time.
        bandwidth: bytes per second of a node's network.
        losses_every: mean time between two losses of a node; 0 for no losses.
        replaced_after: time until a lost node is back.
        noticed_after: time until the chunks of a lost node are pending again.
        clients: commands, each for a part of the keys.
        list_seconds: a request for 1,000 keys.
        classify_seconds: a client's time for a key: parse it, join it with records, publish and follow it.
        batch: chunks that the client records in one transaction.
        publish_seconds: a message, for the client and the broker.
        statement_seconds: a statement on a chunk's row, with its commit.
        rows_per_second: outputs that a connection to the database records.
        database_cores: connections that the database serves at the same time.
        gets_per_second: requests that each prefix of the bucket answers.
        puts_per_second: the same for writing.
        prefixes: into how many prefixes the keys fall.
        seed: of all random numbers.
    """

    pictures: int = 100_000_000
    picture_seconds: float = 0.15
    picture_bytes: int = 3_000_000
    outputs: int = 3
    output_bytes: int = 80_000
    chunk: int = 256
    nodes: int = 200
    workers: int = 8
    slots: int = 2
    bandwidth: float = 1.25e9
    losses_every: float = 60.0
    replaced_after: float = 120.0
    noticed_after: float = 45.0
    clients: int = 1
    list_seconds: float = 0.2
    classify_seconds: float = 150e-6
    batch: int = 16
    publish_seconds: float = 1.2e-3
    statement_seconds: float = 2e-3
    rows_per_second: float = 46_000.0
    database_cores: int = 4
    gets_per_second: float = 5_500.0
    puts_per_second: float = 3_500.0
    prefixes: int = 16
    seed: int = 0

    @property
    def ideal(self) -> float:
        """The duration if all workers were busy from the first second to the last, and no node was lost."""
        return self.pictures * self.picture_seconds / (self.nodes * self.workers)


class Result(Struct, frozen=True, kw_only=True):
    """The figures of a simulated run. Times are in seconds; ``busy`` holds shares of the time, 0 to 1."""

    makespan: float
    ideal: float
    listed_after: float
    pictures_done: int
    chunks: int
    chunks_taken: int
    losses: int
    worker_seconds: float
    lost_seconds: float
    busy: dict[str, float]

    @property
    def saturated(self) -> str:
        """What was busy for the largest share of the time."""
        return max(self.busy, key=self.busy.__getitem__)


class Chunk(NamedTuple):
    """Pictures that a node takes together, and the CPU time that they need."""

    pictures: int
    seconds: float


class Server:
    """Serves requests in the order in which they arrive, a few at the same time.

    Args:
        env: the clock.
        lanes: how many requests are served at the same time.
    """

    def __init__(self, env: simpy.Environment, lanes: int = 1) -> None:
        self.busy_seconds = 0.0
        """Seconds of work, divided by the number of lanes."""
        self._env = env
        self._free_at = [0.0] * lanes

    def serve(self, seconds: float) -> simpy.Event:
        """Return the end of a request that needs a lane for this long."""
        end = max(self._free_at[0], self._env.now) + seconds
        heapq.heapreplace(self._free_at, end)
        self.busy_seconds += seconds / len(self._free_at)
        return self._env.timeout(end - self._env.now)


class Node:
    """A machine: its workers and its network, and the chunks that it has."""

    def __init__(self, simulation: "Simulation") -> None:
        self._simulation = simulation
        self.start()

    def start(self) -> None:
        """Start with empty slots."""
        simulation = self._simulation
        self.is_alive = True
        self._workers, self._network = Server(simulation.env), Server(simulation.env)
        self._slots = [simulation.env.process(self._work()) for _ in range(simulation.cluster.slots)]

    def lose(self) -> None:
        """Lose the machine, with all of its chunks."""
        self.is_alive = False
        for slot in self._slots:
            slot.interrupt()

    def _work(self) -> Events:
        simulation, taken, begun = self._simulation, None, 0.0
        request = simulation.pending.get()
        try:
            while True:
                taken = yield request
                begun = 0.0
                yield simulation.database.serve(simulation.cluster.statement_seconds)
                yield from self._transfer(taken)
                begun = simulation.env.now
                yield self._workers.serve(taken.seconds / simulation.cluster.workers)
                yield from self._record(taken)
                simulation.finish(taken)
                taken, request = None, simulation.pending.get()
        except simpy.Interrupt:
            if taken is None and request.triggered:
                taken = request.value
            request.cancel()
            if taken is not None:
                spent = simulation.env.now - begun if begun else 0.0
                simulation.lose(taken, min(spent, taken.seconds / simulation.cluster.workers))

    def _transfer(self, chunk: Chunk) -> Events:
        """Only the first pictures have to be there before the work begins; the others arrive behind it."""
        cluster = self._simulation.cluster
        yield self._simulation.reads.serve(chunk.pictures / (cluster.gets_per_second * cluster.prefixes))
        count = min(chunk.pictures, 2 * cluster.workers)
        yield self._network.serve(count * cluster.picture_bytes / cluster.bandwidth)

    def _record(self, chunk: Chunk) -> Events:
        cluster, rows = self._simulation.cluster, chunk.pictures * self._simulation.cluster.outputs
        ahead = max(0, chunk.pictures - 2 * cluster.workers)
        size = ahead * cluster.picture_bytes + rows * cluster.output_bytes
        yield self._network.serve(size / cluster.bandwidth)
        yield self._simulation.writes.serve(rows / (cluster.puts_per_second * cluster.prefixes))
        yield self._simulation.database.serve(rows / cluster.rows_per_second + cluster.statement_seconds)


class Simulation:
    """A run from its first listing to its last chunk."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.env = simpy.Environment()
        self.random = random.Random(cluster.seed)
        self.pending: Any = simpy.Store(self.env)
        self.client, self.broker = Server(self.env, cluster.clients), Server(self.env)
        self.database = Server(self.env, cluster.database_cores)
        self.listing = Server(self.env, cluster.clients)
        self.reads, self.writes = Server(self.env), Server(self.env)
        self._ended = self.env.event()
        self._listed_after = 0.0
        self._chunks = self._taken = self._losses = self._done = 0
        self._worker_seconds = self._lost_seconds = 0.0

    def run(self) -> Result:
        """Simulate the run."""
        nodes = [Node(self) for _ in range(self.cluster.nodes)]
        for number in range(self.cluster.clients):
            self._start_client((self.cluster.pictures + number) // self.cluster.clients)
        self.env.process(self._renew())
        if self.cluster.losses_every:
            self.env.process(self._lose_nodes(nodes))
        self.env.run(self._ended)
        return self._result()

    def finish(self, chunk: Chunk) -> None:
        """Count a finished chunk, and end the run with the last one."""
        self._taken += 1
        self._done += chunk.pictures
        self._worker_seconds += chunk.seconds
        if self._done == self.cluster.pictures:
            self._ended.succeed()

    def lose(self, chunk: Chunk, seconds: float) -> None:
        """Make a chunk of a lost node pending again when the loss is noticed, after so long at work on it."""
        self._taken += 1
        self._lost_seconds += seconds * self.cluster.workers
        self.env.process(self._give_back(chunk))

    def _give_back(self, chunk: Chunk) -> Events:
        yield self.env.timeout(self.cluster.noticed_after)
        yield self.broker.serve(self.cluster.publish_seconds)
        self.pending.put(chunk)

    def _start_client(self, pictures: int) -> None:
        # Requests for keys are made ahead, within a bound, while the client works on those before.
        listed = simpy.Store(self.env, capacity=64)
        self.env.process(self._list(pictures, listed))
        self.env.process(self._publish(pictures, listed))

    def _list(self, pictures: int, listed: simpy.Store) -> Events:
        for count in _divide(pictures, self.cluster.chunk):
            yield self.listing.serve(count / 1000 * self.cluster.list_seconds)
            yield listed.put(count)

    def _publish(self, pictures: int, listed: simpy.Store) -> Events:
        cluster = self.cluster
        for number, count in enumerate(_divide(pictures, cluster.chunk)):
            yield listed.get()
            yield self.client.serve(count * cluster.classify_seconds)
            if number % cluster.batch == 0:
                yield self.database.serve(cluster.statement_seconds)
            yield self.broker.serve(cluster.publish_seconds)
            # The sum of many pictures; some are large.
            spread = self.random.gauss(0, 1) / count**0.5
            self.pending.put(Chunk(count, count * cluster.picture_seconds * max(0.1, 1 + spread)))
            self._chunks += 1
        self._listed_after = self.env.now

    def _renew(self) -> Events:
        leases = self.cluster.nodes * self.cluster.slots
        while True:
            yield self.env.timeout(10 / leases)
            self.database.serve(self.cluster.statement_seconds)

    def _lose_nodes(self, nodes: list[Node]) -> Events:
        while True:
            yield self.env.timeout(self.random.expovariate(1 / self.cluster.losses_every))
            if alive := [node for node in nodes if node.is_alive]:
                self._losses += 1
                node = self.random.choice(alive)
                node.lose()
                self.env.process(self._replace(node))

    def _replace(self, node: Node) -> Events:
        yield self.env.timeout(self.cluster.replaced_after)
        node.start()

    def _result(self) -> Result:
        now, cluster = self.env.now, self.cluster
        shared = ("listing", "client", "database", "broker", "reads", "writes")
        busy = {name: min(1.0, getattr(self, name).busy_seconds / now) for name in shared}
        busy["workers"] = self._worker_seconds / (now * cluster.nodes * cluster.workers)
        transferred = self._done * (cluster.picture_bytes + cluster.outputs * cluster.output_bytes)
        busy["network"] = transferred / (now * cluster.nodes * cluster.bandwidth)
        return Result(
            makespan=now,
            ideal=cluster.ideal,
            listed_after=self._listed_after,
            pictures_done=self._done,
            chunks=self._chunks,
            chunks_taken=self._taken,
            losses=self._losses,
            worker_seconds=self._worker_seconds,
            lost_seconds=self._lost_seconds,
            busy=busy,
        )


def _divide(pictures: int, chunk: int) -> Iterator[int]:
    """Yield the numbers of pictures in each chunk."""
    for first in range(0, pictures, chunk):
        yield min(chunk, pictures - first)
