"""The ledger that records nothing."""

from collections.abc import Iterable, Iterator
from typing import Self

from forkresize.ledger.base import InterruptedRun, OutputRecord


class NullLedger:
    """Record nothing; outputs are judged by their modification times."""

    run = 0
    persistent = False

    def begin_run(self) -> None:
        """Do nothing."""

    def interrupted_runs(self) -> tuple[InterruptedRun, ...]:
        """Return nothing: without a ledger there is no record of interrupted runs."""
        return ()

    def get(self, _key: str) -> None:
        """Return None."""

    def record(self, records: Iterable[OutputRecord]) -> None:
        """Do nothing."""

    def forget(self, keys: Iterable[str]) -> None:
        """Do nothing."""

    def iter_records(self) -> Iterator[OutputRecord]:
        """Yield nothing."""
        return iter(())

    def close(self) -> None:
        """Do nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing."""
