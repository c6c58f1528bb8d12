"""What a client sees of its run: the results of finished chunks, and what each node works on."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

from forkresize.batch.executor import NodeResult
from forkresize.cluster.database.runs import RunTable
from forkresize.cluster.database.values import FinishedChunk, WorkingChunk
from forkresize.observer import NodeActivity

_PAGE = 64
"""Finished chunks that are asked for at once."""


class Follower:
    """Reads what nodes have done since the last time.

    Args:
        runs: the runs of the cluster.
        run: number of the run.
        read: returns the results of a finished chunk; called in threads.
        threads: read the outcomes.
    """

    def __init__(
        self,
        runs: RunTable,
        run: int,
        read: Callable[[FinishedChunk], list[NodeResult]],
        threads: ThreadPoolExecutor,
    ) -> None:
        self._runs = runs
        self._run = run
        self._read = read
        self._threads = threads
        self._after = 0

    def poll(self) -> Iterator[NodeResult]:
        """Yield the results of the chunks that were finished since the last call.

        Raises:
            DestinationError: a manifest cannot be read.
            LedgerError: the rows cannot be read.
        """
        while chunks := self._runs.finished_chunks(self._run, self._after, _PAGE):
            for chunk, results in zip(chunks, self._threads.map(self._read, chunks), strict=True):
                self._after = chunk.sequence
                yield from results

    def activities(self) -> list[NodeActivity]:
        """Return what each node works on, in the order of their names."""
        return activities_of(self._runs.working(self._run))

    @property
    def is_finished(self) -> bool:
        """Whether the run has all of its chunks, none is to be done, and ``poll`` has yielded all that are done."""
        progress = self._runs.progress(self._run)
        return progress is None or (progress.is_finished and not self._runs.finished_chunks(self._run, self._after, 1))


def activities_of(chunks: Iterable[WorkingChunk]) -> list[NodeActivity]:
    """Return the work of each node on its chunks, which are sorted by node."""
    nodes = ((name, list(group)) for name, group in groupby(chunks, lambda chunk: chunk.node))
    return [
        NodeActivity(
            worker=name,
            pictures=sum(chunk.count for chunk in group),
            made=sum(chunk.made for chunk in group),
            seconds=max(chunk.seconds for chunk in group),
        )
        for name, group in nodes
    ]
