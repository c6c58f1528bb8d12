"""The ledger that records nothing."""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Self

from forkresize.ledger.base import InterruptedRun, OutputRecord, OutputStates


class NullLedger:
    """Record nothing; outputs are judged by their modification times."""

    run = 0
    persistent = False
    prefers_prefetch = False

    def hold(
        self, shard: str | None, timeout: float, on_wait: Callable[[], object], *, on_cluster: bool = False
    ) -> None:
        """Do nothing: the lock of the destination is enough."""

    def watch(self, on_pause: Callable[[], object]) -> None:
        """Do nothing: no database is waited for."""

    def begin_run(self) -> None:
        """Do nothing."""

    def join_run(self, number: int) -> None:
        """Do nothing."""

    def interrupted_runs(self) -> tuple[InterruptedRun, ...]:
        """Return nothing: without a ledger there is no record of interrupted runs."""
        return ()

    def get(self, _key: str) -> None:
        """Return None."""

    def get_many(self, _keys: Collection[str]) -> dict[str, OutputRecord]:
        """Return nothing."""
        return {}

    def match(self, _states: OutputStates) -> None:
        """Return None."""

    def prefetch(self, _keys: Collection[str]) -> None:
        """Do nothing."""

    def record(self, records: Iterable[OutputRecord]) -> None:
        """Do nothing."""

    def forget(self, keys: Iterable[str]) -> None:
        """Do nothing."""

    def iter_records(self, *_: str, **__: str) -> Iterator[OutputRecord]:
        """Yield nothing."""
        return iter(())

    def close(self) -> None:
        """Do nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing."""
