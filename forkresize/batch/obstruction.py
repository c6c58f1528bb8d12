"""What is in the way of a new output: outputs of earlier runs whose sources became directories, or the reverse."""

from collections.abc import Callable
from functools import cached_property

from forkresize.batch.prune import MaxPrune, PrunePlan, RemovableOutputs
from forkresize.outcome import Outcome
from forkresize.store import ObjectKind, OutputStore


class Obstructions:
    """Removes what is in the way of new outputs, if it may be pruned.

    Args:
        removable: finds the outputs that may be pruned.
        limit: how many; None if the run does not prune.
        report: called with the outcome of each output that is removed; None in a dry run, which removes none.
    """

    def __init__(
        self,
        removable: RemovableOutputs,
        limit: MaxPrune | None,
        report: Callable[[Outcome], object] | None,
    ) -> None:
        self._removable = removable
        self._store = removable.store
        self._limit = limit
        self._report = report

    def clear(self, key: str) -> str | None:
        """Make way for an output; return what is in its way, and what to do, if that is impossible.

        Raises:
            LedgerError: the ledger can't be read or written.
        """
        obstacle = find_obstacle(self._store, key)
        if obstacle is None:
            return None
        files = [each.key for each in self._store.scan(f"{obstacle}/")] if obstacle == key else [obstacle]
        plan = PrunePlan(self._store)
        for each in files:
            self._removable.add(plan, each)
        path = self._store.location(obstacle)
        foreign = f"{path} is in the way, and no unchanged output of an earlier run; move it"
        if not files or len(plan.orphans) < len(files):
            return foreign
        if self._limit is None:
            gone = "a directory of outputs whose sources are" if obstacle == key else "an output whose source is"
            return f"{path}, {gone} gone, is in the way; prune to remove it"
        if self._refusal is not None:
            return f"{path} is in the way: {self._refusal}"
        if self._report is None:
            return None
        for outcome in plan.execute(self._removable.ledger):
            self._report(outcome)
        return None if find_obstacle(self._store, key) is None else foreign

    @cached_property
    def _refusal(self) -> str | None:
        plan = self._removable.plan()
        return None if self._limit is None else self._limit.refusal(len(plan.orphans), 0, plan.total)


def find_obstacle(store: OutputStore, key: str) -> str | None:
    """Return the first part of a key that is not a directory, or the key if it is one; None if the way is free."""
    parts = key.split("/")
    for length in range(1, len(parts)):
        above = "/".join(parts[:length])
        found = store.stat(above)
        if found is None:
            return None
        if found.kind is not ObjectKind.DIRECTORY:
            return above
    found = store.stat(key)
    return key if found is not None and found.kind is ObjectKind.DIRECTORY else None
