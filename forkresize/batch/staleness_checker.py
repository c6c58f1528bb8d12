"""The effects around the staleness decision: look at outputs and records, hash sources, record what was made."""

import errno
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from msgspec.structs import replace

from forkresize.errors import describe
from forkresize.job import Job, Output, Source
from forkresize.ledger import LedgerStore, OutputRecord, records_for, source_record, split_root
from forkresize.outcome import Failed, Outcome, OutputRef, Planned, Reason, Written
from forkresize.plan.staleness import (
    Compare,
    Decision,
    IfExists,
    Rules,
    SourceState,
    decide,
    decide_in_place,
    needs_hash,
)
from forkresize.store import ObjectInfo, ObjectKind, Opener, OutputStore, checksum


class StalenessChecker:
    """Finds the outputs that have to be made, and records what happened to them.

    Args:
        sources: where sources are read.
        outputs: where outputs are.
        ledger: the records.
        rules: of the decisions.
        clear: makes way for an output with a key; returns what is in its way if that is impossible.
    """

    def __init__(
        self,
        sources: Opener,
        outputs: OutputStore,
        ledger: LedgerStore,
        rules: Rules,
        clear: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        self.ledger = ledger
        self._clear = clear
        self._sources = sources
        self._outputs = outputs
        self._rules = rules
        # Otherwise the records do not matter for an output that exists.
        self._updates = rules.policy.if_exists is IfExists.UPDATE
        self._by_checksum = rules.policy.compare is Compare.CHECKSUM
        self._records_hashes = self._by_checksum and ledger.persistent
        # Of sources whose jobs are being executed, from before their workers read them.
        self._hashes: dict[str, bytes | None] = {}
        self._latest: tuple[Source, SourceState] | None = None
        self._latest_hash: tuple[str, bytes | None] | None = None

    def check(self, source: Source, output: Output) -> Outcome:
        """Return a Planned outcome if the output has to be made, otherwise what happens to it without work.

        An output that cannot be looked at is Failed.

        Raises:
            LedgerError: the records cannot be read.
        """
        ref = OutputRef(source, self._outputs.location(output.key), output.rendition)
        try:
            found = self._find_or_make_way(output.key)
        except OSError as error:
            return Outcome(ref, Failed(Reason.NOT_WRITTEN, describe(error)))
        record = self.ledger.get(output.key) if found is None or self._updates else None
        state = self._source_state(source, record)
        return self._act(decide(self._rules, state, output.rendition, found, record), ref)

    def check_in_place(
        self, source: Source, output: Output, record: OutputRecord | None, *, is_output: bool
    ) -> Outcome:
        """Return a Planned outcome if a source has to be replaced, otherwise what happens to it without work.

        See ``decide_in_place``.

        Raises:
            LedgerError: the records cannot be written.
        """
        ref = OutputRef(source, self._outputs.location(output.key), output.rendition)
        state = self._source_state(source, record)
        return self._act(decide_in_place(self._rules, state, record, is_output=is_output), ref)

    def record(
        self,
        job: Job,
        outcomes: Sequence[Outcome],
        staged: str | None = None,
        placed: Mapping[str, ObjectInfo] = MappingProxyType({}),
    ) -> None:
        """Record what happened to a job.

        Args:
            job: what was executed.
            outcomes: what happened to it.
            staged: key of its output if that has not replaced its source yet; its content is recorded as well.
            placed: outputs that were looked at when they got their places, by key; others are looked at now.

        Raises:
            LedgerError: the records cannot be written.
            OSError: the staged output cannot be read.
        """
        if not self.ledger.persistent:
            return
        base = source_record(job.source, self.ledger.run, self._hashes.pop(job.source.path, None))
        if staged is not None:
            base = base._replace(hash=checksum(self._outputs, staged))
        written = {outcome.rendition for outcome in outcomes if isinstance(outcome.detail, Written)}
        looked_up = {
            each.key: placed.get(each.key) or self._stat(staged or each.key)
            for each in job.outputs
            if each.rendition in written
        }
        found = {key: info for key, info in looked_up.items() if info is not None}
        records = records_for(job, outcomes, base, self._rules.fingerprints, found)
        self.ledger.record(each for each in records if each.status == "written" or not self._is_of_another(each))

    def _act(self, decision: Decision, ref: OutputRef) -> Outcome:
        """Carry out what a decision asks for, and return it as an outcome."""
        detail = decision.detail
        if isinstance(detail, Planned):
            if self._records_hashes:
                self._hashes[ref.source.path] = self._source_hash(ref.source)
        elif decision.update is not None and self.ledger.persistent:
            self.ledger.record([decision.update])
        return Outcome(replace(ref, destination=None) if decision.covers_all else ref, detail)

    def _find_or_make_way(self, key: str) -> ObjectInfo | None:
        """Return what exists at a key. Neither it nor a part above it is of the wrong kind.

        Raises:
            OSError: that cannot be achieved.
        """
        try:
            found = self._outputs.stat(key)
            if found is None or found.kind is not ObjectKind.DIRECTORY:
                return found
        except NotADirectoryError:
            pass  # A file is in the way.
        if (obstruction := self._clear(key)) is not None:
            raise FileExistsError(errno.EEXIST, obstruction)
        return None

    def _is_of_another(self, refused: OutputRecord) -> bool:
        """Return whether the output exists, made of another source: of a picture, while this one is its sidecar."""
        known = self.ledger.get(refused.key)
        if known is None or known.status != "written" or (known.root, known.source) == (refused.root, refused.source):
            return False
        return self._stat(refused.key) is not None

    def _stat(self, key: str) -> ObjectInfo | None:
        # Any fault is found by the next run.
        try:
            return self._outputs.stat(key)
        except OSError:
            return None

    def _source_state(self, source: Source, record: OutputRecord | None) -> SourceState:
        """Return the state of a source, with its hash if the record calls for it."""
        if self._latest is None or self._latest[0] is not source:
            root, relative = split_root(source)
            state = SourceState(root, relative, source.size, source.mtime_ns, None, source.etag, source.version)
            self._latest = source, state
        state = self._latest[1]
        if not self._by_checksum:
            return state
        wanted = self.ledger.persistent or (record is not None and record.source_hash is not None)
        if wanted and needs_hash(self._rules, state, record):
            return replace(state, hash=self._source_hash(source))
        return state

    def _source_hash(self, source: Source) -> bytes | None:
        """Return the hash of a source's content, read once for all of its outputs; None if it cannot be read."""
        if self._latest_hash is None or self._latest_hash[0] != source.path:
            try:
                self._latest_hash = source.path, checksum(self._sources, source.path)
            except OSError:
                self._latest_hash = source.path, None  # Its worker reports why.
        return self._latest_hash[1]
