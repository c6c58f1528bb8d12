"""The outputs of a run with object stores: which have to be made, and what is recorded."""

from forkresize.batch.staleness_checker import StalenessChecker
from forkresize.job import Job
from forkresize.outcome import Outcome
from forkresize.store import ObjectInfo


class RemoteOutputs:
    """Outputs that are in their places when a job has its result.

    Args:
        checker: finds the outputs that have to be made, and records what happened to them.
        placed: what this run has put, by key; what was recorded is removed from it.
    """

    def __init__(self, checker: StalenessChecker, placed: dict[str, ObjectInfo]) -> None:
        self.check = checker.check
        self._checker = checker
        self._placed = placed

    def stage(self, job: Job) -> Job:
        """Return the job as it is: it is rendered in memory."""
        return job

    def finalize(self, job: Job, outcomes: list[Outcome]) -> list[Outcome]:  # noqa: ARG002  A method of the protocol.
        """Return the outcomes as they are."""
        return outcomes

    def record(self, job: Job, outcomes: list[Outcome]) -> None:
        """Record the outcomes of a job."""
        try:
            self._checker.record(job, outcomes)
        finally:
            for output in job.outputs:
                self._placed.pop(output.key, None)
