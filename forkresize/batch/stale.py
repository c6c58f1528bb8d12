"""Outputs that the recipe no longer asks for: their sources are there, but a run makes other outputs of them."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from forkresize.job import Source
from forkresize.ledger import LedgerStore, OutputRecord, split_root
from forkresize.plan import OutputNames
from forkresize.store import ObjectInfo, ObjectKind

if TYPE_CHECKING:
    from forkresize.batch.prepare import RunPlan

_Place = tuple[str, str]
"""A source as the ledger names it: its root, and its path below."""


class StaleOutputs:
    """Finds recorded outputs of the sources of a run that the run does not make.

    Sources that the run leaves out, such as excluded ones and those of other shards, are left alone: another command
    may make their outputs. So are the outputs of a source whose new outputs were not all made.

    Args:
        plan: the run.
        ledger: its records.
    """

    def __init__(self, plan: "RunPlan", ledger: LedgerStore) -> None:
        self._plan = plan
        self._ledger = ledger
        # A dry run must not write, as a probe does.
        case_sensitive = plan.settings.dry_run or plan.store.probe().case_sensitive
        self._names = OutputNames(plan.naming, case_sensitive)
        self._candidates: dict[str, OutputRecord] = {}

    def add(self, record: OutputRecord, found: ObjectInfo) -> None:
        """Look at a record whose source was found; most are of outputs that the run makes."""
        path = os.path.join(record.root, record.source)
        source = Source(path, record.source, found.size, found.mtime_ns)
        name = self._names.fold(record.key)
        if name not in self._names.comparable(source, self._suffix(source)):
            self._candidates[name] = record

    def find(self) -> Iterator[tuple[OutputRecord, Source]]:
        """Yield the records of stale outputs among those that were added, each with its source.

        It walks the sources again if there are candidates: other sources may have their names now.

        Raises:
            LedgerError: the ledger can't be read.
        """
        sources = self._sources_of_candidates() if self._candidates else {}
        for record in self._candidates.values():
            source = sources.get((record.root, record.source))
            if source is not None:
                yield record, source

    def _sources_of_candidates(self) -> dict[_Place, Source]:
        """Remove the candidates that a source makes; return the sources of the others, if they belong to the run."""
        wanted = {(record.root, record.source) for record in self._candidates.values()}
        found: dict[_Place, Source] = {}
        # The whole walk, even after the time limit: a part of it does not show what is made.
        for source in self._plan.discovery.walk(should_stop=bool):
            if not isinstance(source, Source):
                continue
            for name in self._names.comparable(source, self._suffix(source)):
                self._candidates.pop(name, None)
            place = split_root(source)
            if place in wanted and self._plan.includes(source) and self._has_outputs(source):
                found[place] = source
        return found

    def _has_outputs(self, source: Source) -> bool:
        """Return whether each output of a source exists or was left out on purpose; a dry run makes none."""
        return self._plan.settings.dry_run or all(self._is_done(output.key) for output in self._plan.outputs(source))

    def _is_done(self, key: str) -> bool:
        record = self._ledger.get(key)
        if record is not None and record.status == "skipped":
            return True
        try:
            found = self._plan.store.stat(key)
        except OSError:
            return False
        return found is not None and found.kind is ObjectKind.FILE

    def _suffix(self, source: Source) -> str:
        return self._plan.collisions.suffixes.get(source.path, "")
