"""Look-ups of records for many sources at once, where each look-up is a round trip through a network."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from forkresize.batch.listing import Listed
from forkresize.job import Source
from forkresize.ledger import LedgerStore
from forkresize.pool import NothingYet

if TYPE_CHECKING:
    from forkresize.batch.prepare import RunPlan

_GROUP = 256
"""Maximum number of sources to look up at once."""


def prefetch_records(plan: "RunPlan", found: Iterable[Listed], ledger: LedgerStore) -> Iterable[Listed]:
    """Return what a listing finds; before a source is yielded, the ledger has looked up its outputs.

    What is found is not kept until a group is complete: it is yielded as soon as there is nothing more at the moment.

    Raises:
        LedgerError: while it is iterated: the records cannot be read.
    """
    return _prefetch(plan, found, ledger) if ledger.prefers_prefetch else found


def _prefetch(plan: "RunPlan", found: Iterable[Listed], ledger: LedgerStore) -> Iterator[Listed]:
    group: list[Listed] = []
    for each in found:
        group.append(each)
        if isinstance(each, NothingYet) or len(group) >= _GROUP:
            yield from _look_up(plan, group, ledger)
            group = []
    yield from _look_up(plan, group, ledger)


def output_keys(plan: "RunPlan", found: Iterable[Listed]) -> list[str]:
    """Return the keys of the outputs of those sources that belong to a run."""
    return [
        output.key
        for source in found
        if isinstance(source, Source) and plan.includes(source)
        for output in plan.outputs(source)
    ]


def _look_up(plan: "RunPlan", group: list[Listed], ledger: LedgerStore) -> list[Listed]:
    if keys := output_keys(plan, group):
        ledger.prefetch(keys)
    return group
