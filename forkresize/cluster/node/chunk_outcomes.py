"""The outcomes of a chunk while it is worked on: which pictures are done, and their counts."""

from collections import Counter
from collections.abc import Sequence

from forkresize.batch.wire import WireOutcome
from forkresize.cluster.jsonlines import ManifestError
from forkresize.cluster.manifest import JobOutcome
from forkresize.job import Job
from forkresize.outcome import Execution, Failed, Outcome, Skipped, Written


class ChunkOutcomes:
    """The outcomes of the jobs of a chunk, which come in any order.

    Args:
        jobs: of the chunk.
        first: index of the first one in the manifest.
        node: name of the node.

    Raises:
        ManifestError: two jobs have the same output, which distinguishes them.
    """

    def __init__(self, jobs: Sequence[Job], first: int, node: str) -> None:
        self._first = first
        self._node = node
        # A source may be looked up again, but its outputs are those of the run alone.
        self._indexes = {job.outputs[0].key: first + number for number, job in enumerate(jobs)}
        if len(self._indexes) != len(jobs):
            raise ManifestError("the manifest has two pictures with the same output")
        self._outcomes: dict[int, tuple[JobOutcome, Job]] = {}

    def __len__(self) -> int:
        """Return how many pictures have outcomes."""
        return len(self._outcomes)

    @property
    def scattered(self) -> int:
        """How many pictures have outcomes that come after one that has none."""
        return len(self._outcomes) - len(self.leading())

    def add(self, job: Job, outcomes: Sequence[Outcome]) -> None:
        """Add the outcomes of a job."""
        index = self._indexes[job.outputs[0].key]
        execution = outcomes[0].execution if outcomes else Execution()
        result = JobOutcome(
            index=index,
            attempts=execution.attempts,
            worker=f"{self._node}:{execution.worker or 0}",
            seconds=execution.seconds,
            outcomes=[_to_wire(outcome) for outcome in outcomes],
        )
        self._outcomes[index] = result, job

    def leading(self) -> list[JobOutcome]:
        """Return the outcomes from the first job on, up to the first one that has none."""
        found = []
        index = self._first
        while index in self._outcomes:
            found.append(self._outcomes[index][0])
            index += 1
        return found

    def count(self, made: int) -> dict[str, int]:
        """Return the totals of the first jobs: outcomes by status, and bytes."""
        counts: Counter[str] = Counter()
        for index in range(self._first, self._first + made):
            result, job = self._outcomes[index]
            counts["in_bytes"] += job.source.size
            for outcome in result.outcomes:
                counts[outcome.detail.status] += 1
                counts["out_bytes"] += outcome.detail.out_bytes if isinstance(outcome.detail, Written) else 0
        return dict(counts)


def _to_wire(outcome: Outcome) -> WireOutcome:
    rendition = None if outcome.destination is None else outcome.rendition
    detail = outcome.detail
    assert isinstance(detail, Written | Skipped | Failed)  # noqa: S101 -- nothing else is executed.
    return WireOutcome(rendition, detail, outcome.warnings)
