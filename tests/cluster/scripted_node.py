"""A node that makes no pictures: it takes real leases, reads real manifests, and writes real outcomes."""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Self

from msgspec.structs import replace

from forkresize.batch.fingerprint import renderer_versions
from forkresize.batch.wire import WireOutcome
from forkresize.cluster.database import ClusterDatabase
from forkresize.cluster.database.values import Lease, NodeInfo, Result
from forkresize.cluster.manifest import Header, JobOutcome, outcomes_key, read_manifest, write_outcomes
from forkresize.cluster.protocol import VERSION
from forkresize.job import Job
from forkresize.outcome import Written
from forkresize.store import OutputStore

Message = tuple[int, int]


class Broker:
    """A queue of messages in this process."""

    def __init__(self) -> None:
        self.messages: deque[Message] = deque()

    def publish(self, run: int, chunk: int, _queue: str = "", _traceparent: str = "", /) -> None:
        """Add a message."""
        self.messages.append((run, chunk))

    def pop(self) -> Message | None:
        """Remove the oldest message."""
        try:
            return self.messages.popleft()
        except IndexError:
            return None


class ScriptedNode:
    """Works on chunks when a test asks for it.

    Args:
        url: of the database.
        store: the destination.
        broker: where the messages are.
        name: of the node.
    """

    def __init__(self, url: str, store: OutputStore, broker: Broker, name: str = "node-1") -> None:
        self.name = name
        self.jobs: list[Job] = []
        self._database = ClusterDatabase(url)
        self._store = store
        self._broker = broker
        self._enough = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def register(self, workers: int = 2, protocol: int = VERSION) -> int:
        """Become visible to clients; return the number for ``Presence``."""
        info = NodeInfo(name=self.name, workers=workers, memory=1, allow=[], queues=["batch"], version="1", key=False)
        return self._database.nodes.register(replace(info, protocol=protocol, renderer=renderer_versions()))

    def take(self) -> Lease | None:
        """Take the next chunk that is pending."""
        while message := self._broker.pop():
            if lease := self._database.chunks.take(*message, self.name):
                return lease
        return None

    def finish(self, lease: Lease, change: Callable[[list[JobOutcome]], Sequence[JobOutcome]] = list) -> None:
        """Report that all pictures of a chunk were written, or what a function makes of that."""
        with self._store.open(lease.manifest) as file:
            header, jobs = read_manifest(file.read())
        own = jobs[lease.first : lease.first + lease.count]
        self.jobs += own
        outcomes = [_written(lease.first + index, job, self.name) for index, job in enumerate(own)]
        key = outcomes_key(lease.run, lease.number, lease.attempt)
        head = Header(run=lease.run, chunk=lease.number, spec=header.spec, lines=0)
        self._store.put(key, write_outcomes(change(outcomes), head))
        result = Result(made=lease.count, outcomes=key, counts={"written": lease.count})
        assert self._database.chunks.finish(lease, result)

    def work(self) -> int:
        """Finish all chunks whose messages are there; return how many."""
        count = 0
        while lease := self.take():
            self.finish(lease)
            count += 1
        return count

    @contextmanager
    def working(self) -> Iterator[Self]:
        """Work in a thread."""
        thread = threading.Thread(target=self._work_until_enough)
        thread.start()
        try:
            yield self
        finally:
            self._enough.set()
            thread.join()

    def _work_until_enough(self) -> None:
        while not self._enough.wait(0.01):
            self.work()


def _written(index: int, job: Job, name: str) -> JobOutcome:
    detail = Written(out_bytes=7, in_size=(4, 3), out_size=(2, 2), in_format="jpeg", out_format="jpeg")
    outcomes = [WireOutcome(output.rendition, detail, ()) for output in job.outputs]
    return JobOutcome(index=index, attempts=1, worker=f"{name}:4711", seconds=0.5, outcomes=outcomes)
