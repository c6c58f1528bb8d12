"""A run that finds no picture: it makes no destination, and can say what left the files out."""

import select
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from msgspec.structs import replace

from forkresize.batch.classify import looks_like_image
from forkresize.batch.listing import is_local
from forkresize.formats.registry import SUFFIXES
from forkresize.job import Source
from forkresize.outcome import Outcome
from forkresize.pool import NothingYet
from forkresize.walk import Selection

if TYPE_CHECKING:
    from forkresize.batch.prepare import RunPlan

_PATIENCE = 2.0
"""Seconds that each of the two searches may take. A tree may be large, and a drive may not answer."""

_FIELDS = ("rules", "hidden", "recursive", "max_depth", "newer_than", "min_size", "max_size")
"""The fields of a selection that leave out files."""


def may_find_picture(plan: "RunPlan") -> bool:
    """Return whether there is a source that may be a picture. If that takes long, it is assumed."""

    def search() -> bool:
        # A walk that the deadline ended has not seen all.
        return any(_may_be_picture(each) for each in plan.sources()) or plan.stop()

    if is_local(plan):
        return search()
    remaining = plan.deadline.remaining
    until = time.monotonic() + (_PATIENCE if remaining is None else min(_PATIENCE, remaining))
    from forkresize.pool import ForkedIterator

    with ForkedIterator(lambda: [search()]) as answers:
        for answer in answers:
            if not isinstance(answer, NothingYet):
                return answer
            remaining = until - time.monotonic()
            if remaining <= 0:
                break
            poll = select.poll()
            poll.register(answer.descriptor, select.POLLIN)
            poll.poll(remaining * 1000)
    return True


def count_left_out(plan: "RunPlan") -> Mapping[str, int]:
    """Return how many files each setting leaves out by itself, by its name; a file may count for several.

    Rules of one kind count as ``include`` or ``exclude``, others as ``rules``; ``sources`` are all files. Nothing is
    known of a tree that takes long to search.
    """
    until = time.monotonic() + _PATIENCE
    selection = plan.settings.selection
    everything = Selection(hidden=True, symlinks=selection.symlinks)

    def count(chosen: Selection, includes: Callable[[Source], bool] = lambda _: True) -> int:
        walked = plan.discovery.walk(chosen, lambda: time.monotonic() > until)
        return sum(isinstance(each, Source) and includes(each) for each in _until(until, walked))

    total = count(everything)
    counts = {"sources": total}
    for field in _FIELDS if total else ():
        value = getattr(selection, field)
        if value != getattr(everything, field):
            counts[_name(field, selection)] = total - count(replace(everything, **{field: value}))
    if total and plan.settings.shard is not None:
        counts["shard"] = total - count(everything, plan.includes)
    return {} if time.monotonic() > until else {field: each for field, each in counts.items() if each or not total}


def _name(field: str, selection: Selection) -> str:
    kinds = {rule.include for rule in selection.rules} if field == "rules" else set()
    return field if len(kinds) != 1 else "include" if True in kinds else "exclude"


def _may_be_picture(found: Outcome | Source) -> bool:
    # A name suffices, so that no file is opened that is opened again soon.
    if not isinstance(found, Source):
        return False
    return found.path.lower().endswith(tuple(SUFFIXES)) or looks_like_image(found.path)


def _until(end: float, found: Iterator[Outcome | Source]) -> Iterator[Outcome | Source]:
    for each in found:
        yield each
        if time.monotonic() > end:
            return
