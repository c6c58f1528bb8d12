"""What an output calls for, by what is there and what is remembered: Due with the reason, or settled without work."""

import os
import stat

from msgspec.structs import replace

from forkresize.job import Job, Output, Source
from forkresize.ledger.checksum import checksum
from forkresize.ledger.ledger import LedgerStore
from forkresize.ledger.policy import Compare, IfExists, Policy
from forkresize.ledger.record import REASONS, OutputRecord, RecipeFingerprints, clamp_mtime
from forkresize.ledger.records import records_for
from forkresize.ledger.roots import split_root
from forkresize.outcome import UNCHANGED, Failed, Outcome, OutputRef, Planned, Reason, Skipped


class StalenessChecker:
    """Tells outputs that have to be made from those that are settled, and has what became of them remembered."""

    def __init__(self, memory: LedgerStore, prints: RecipeFingerprints, policy: Policy) -> None:
        """Take what is remembered, what outputs would be made with, and how to treat those that are there."""
        self.memory = memory
        self.prints = prints
        self._policy = policy
        self._by_stat = policy.compare is Compare.STAT
        self._hashes: dict[str, bytes | None] = {}
        self._hashed: tuple[str, bytes | None] = ("", None)

    def settle(self, source: Source, output: Output) -> Outcome:
        """Return Due with the reason if the output has to be made, otherwise what becomes of it without work.

        Raises nothing of the file system's: an output that can't be looked at is Failed.

        Raises:
            LedgerError: what is remembered can't be read.
        """
        ref = OutputRef(source, output.path, output.rendition)
        try:
            found = os.lstat(output.path)
        except FileNotFoundError:
            return self._settle_missing(ref, output.path)
        except OSError as error:
            return Outcome(ref, Failed(Reason.NOT_WRITTEN, error.strerror or str(error)))
        if stat.S_ISDIR(found.st_mode):
            return Outcome(ref, Failed(Reason.NOT_WRITTEN, "a directory has the output's name"))
        match self._policy.if_exists:
            case IfExists.SKIP:
                return Outcome(ref, Skipped(Reason.EXISTS))
            case IfExists.ERROR:
                return Outcome(ref, Failed(Reason.EXISTS))
            case IfExists.OVERWRITE:
                self._keep_hash(source)
                return Outcome(ref, Planned("to be overwritten"))
            case _:
                return self._update(ref, output.path, found)

    def note(self, job: Job, outcomes: list[Outcome], made: str | None = None) -> None:
        """Have it remembered what became of a job.

        Args:
            job: what was worked on.
            outcomes: what became of it.
            made: where its output lies by now, if that is not its path yet; then its content is remembered too.

        Raises:
            LedgerError: it can't be written.
        """
        source_hash = self._hashes.pop(job.source.path, None)
        root, below = split_root(job.source)
        about = OutputRecord(
            path=b"",
            root=self.memory.root(root),
            source=os.fsencode(below),
            source_size=job.source.size,
            source_mtime_ns=clamp_mtime(job.source.mtime_ns),
            source_hash=source_hash,
            recipe=b"",
            status="",
            run=self.memory.run,
        )
        if made is not None:
            found = os.lstat(made)
            about = about._replace(hash=checksum(made), mtime_ns=clamp_mtime(found.st_mtime_ns))
        entries = records_for(about, job, outcomes, self.prints, self.memory.below)
        self.memory.note(entry for entry in entries if entry.status == "written" or not self._is_anothers(entry, job))

    def _is_anothers(self, refused: OutputRecord, job: Job) -> bool:
        """Whether the output is there, made of another source: of the picture, say, that this one is the sidecar of."""
        path = next(output.path for output in job.outputs if self.memory.below(output.path) == refused.path)
        known = self.memory.entry(path)
        if known is None or known.status != "written" or (known.root, known.source) == (refused.root, refused.source):
            return False
        return os.path.lexists(path)

    def refusal(self, ref: OutputRef, entry: OutputRecord | None) -> Outcome | None:
        """Return what became of it the last time, if it was refused and nothing has changed that this hung on."""
        if entry is None or entry.status == "written" or entry.reason not in REASONS:
            return None
        if entry.status == "failed" and self._policy.retry_failed:
            return None
        same_limit = entry.limit == self.prints.limit(entry.reason)
        if not same_limit or self.recipe_changed(entry, ref.rendition) or self.source_changed(entry, ref.source):
            return None
        if entry.whole:
            ref = replace(ref, destination=None)
        reason = Reason(entry.reason)
        failed = entry.status == "failed"
        return Outcome(ref, Failed(reason, entry.error, entry.signal) if failed else Skipped(reason, entry.error))

    def recipe_changed(self, entry: OutputRecord, rendition: int) -> bool:
        """Whether an output was made, or refused, with another recipe than it would be now."""
        return entry.recipe != self.prints.of(rendition, entry.reason)

    def source_changed(self, entry: OutputRecord, source: Source) -> str | None:
        """Return how the source is another than the one an output was made of; None if it is the same."""
        root, below = split_root(source)
        if entry.source != os.fsencode(below) or entry.root != self.memory.root(root):
            return "it was made of another source"
        same = entry.source_size == source.size and entry.source_mtime_ns == source.mtime_ns
        if self._policy.compare is Compare.STAT:
            return None if same else "the source changed"
        return self._content_changed(entry, source, same=same)

    def _settle_missing(self, ref: OutputRef, path: str) -> Outcome:
        entry = self.memory.entry(path)
        forced = self._policy.if_exists is IfExists.OVERWRITE
        if not forced and (refused := self.refusal(ref, entry)):
            return refused
        self._keep_hash(ref.source)
        gone = entry is not None and entry.status == "written"
        again = entry is not None and not gone
        return Outcome(
            ref, Planned("the output is gone" if gone else "to be tried again" if again else "no output yet")
        )

    def _update(self, ref: OutputRef, path: str, found: os.stat_result) -> Outcome:
        entry = self.memory.entry(path)
        if entry is not None and self._is_as_noted(ref, found, entry):
            return Outcome(ref, UNCHANGED)
        if refused := self.refusal(ref, entry):
            return refused
        why = self._why_update(ref, found, entry)
        if why:
            self._keep_hash(ref.source)
            return Outcome(ref, Planned(why))
        self._refresh(entry, ref.source)
        return Outcome(ref, UNCHANGED)

    def _is_as_noted(self, ref: OutputRef, found: os.stat_result, entry: OutputRecord) -> bool:
        """Whether nothing at all has changed, which is told of most outputs, and so has to be told fast."""
        source = ref.source
        return (
            entry.source_mtime_ns == source.mtime_ns
            and entry.source_size == source.size
            and entry.mtime_ns == found.st_mtime_ns
            and entry.size == found.st_size != 0
            and entry.status == "written"
            and entry.recipe == self.prints.renditions[ref.rendition]
            and self._by_stat
            and stat.S_ISREG(found.st_mode)
            and not self.source_changed(entry, source)
            and not self.memory.may_be_incomplete(entry.run, found.st_ctime_ns)
        )

    def _why_update(self, ref: OutputRef, found: os.stat_result, entry: OutputRecord | None) -> str | None:
        if not stat.S_ISREG(found.st_mode) or found.st_size == 0:
            return "the output is no whole file"
        if self.memory.may_be_incomplete(entry.run if entry else 0, found.st_ctime_ns):
            return "a run that was killed may have made it"
        if entry is None:
            return "the source is newer" if found.st_mtime_ns < ref.source.mtime_ns else None
        if entry.status != "written":
            return "to be tried again"
        if (found.st_size, found.st_mtime_ns) != (entry.size, entry.mtime_ns):
            return "the output was altered"
        if changed := self.source_changed(entry, ref.source):
            return changed
        return "the recipe changed" if self.recipe_changed(entry, ref.rendition) else None

    def _content_changed(self, entry: OutputRecord, source: Source, *, same: bool) -> str | None:
        if entry.source_size != source.size:
            return "the source changed"
        # Of what was made without a look at contents, size and time are all that is known.
        if entry.source_hash is None:
            return None if same else "the source changed"
        found = self._hash(source)
        return None if found == entry.source_hash else "the source's content changed"

    def _hash(self, source: Source) -> bytes | None:
        """Return the hash of a source's content, read once for all of its outputs; None if it can't be read."""
        path, found = self._hashed
        if path != source.path:
            try:
                found = checksum(source.path)
            except OSError:
                found = None  # Its worker will tell why.
            self._hashed = source.path, found
        return found

    def _keep_hash(self, source: Source) -> None:
        """Keep the hash of a source that is about to be worked on, from before its worker reads it."""
        if self._policy.compare is Compare.CHECKSUM and self.memory.persistent:
            self._hashes[source.path] = self._hash(source)

    def _refresh(self, entry: OutputRecord | None, source: Source) -> None:
        """Have it remembered what a source that did not change looks like by now."""
        if entry is None or self._policy.compare is Compare.STAT or not self.memory.persistent:
            return
        found = self._hash(source)
        mtime_ns = clamp_mtime(source.mtime_ns)
        now = entry._replace(source_hash=found, source_size=source.size, source_mtime_ns=mtime_ns)
        if now != entry:
            self.memory.note([now])
