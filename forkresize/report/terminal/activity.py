"""What a view is told of each worker. Holds the shape of it, nothing that has it."""

from typing import Protocol

from forkresize.job import Job


class Activity(Protocol):
    """What one worker is doing now."""

    @property
    def worker(self) -> int:
        """Its process id."""

    @property
    def item(self) -> Job | None:
        """The picture it is on; None while it waits for one."""

    @property
    def seconds(self) -> float:
        """How long it has been doing that."""
