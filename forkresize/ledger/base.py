"""What a ledger holds and offers: OutputRecord, InterruptedRun and the LedgerStore protocol."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol, Self


class OutputRecord(NamedTuple):
    """What happened to one output, the last time that a job for it was executed.

    Attributes:
        key: of the output, relative to the destination.
        root: absolute path of the directory that the source was found from.
        source: path of the source relative to that directory.
        source_size: in bytes, when it was found.
        source_mtime_ns: its modification time, when it was found.
        source_hash: of its content; None unless contents are compared.
        recipe: the fingerprint of all that the output's bytes depend on except the source.
        status: ``written``, ``skipped`` or ``failed``.
        reason: why it was skipped or failed.
        error: details about that.
        signal: name of the signal that ended the worker.
        covers_all: whether one outcome covered all outputs of the source.
        limit_value: the limit that made it fail, such as seconds; None for other failures.
        attempts: how many workers were given the source.
        run: number of the run.
        size: of the output, in bytes.
        mtime_ns: of the output.
        width: of the output, in pixels.
        height: of the output, in pixels.
        format: of the output.
        hash: of the output's content; None unless it replaced its source.
        source_etag: what the source's store calls its content; None for files.
        source_version: what the source's store calls its version; None for files, and where there are no versions.
        etag: what the store of the output calls its content; None for files.
        version: what that store calls its version; None for files, and where there are no versions.
    """

    key: str
    root: str
    source: str
    source_size: int
    source_mtime_ns: int
    source_hash: bytes | None
    recipe: bytes
    status: str
    reason: str | None = None
    error: str = ""
    signal: str | None = None
    covers_all: int = 0
    limit_value: float | None = None
    attempts: int = 0
    run: int = 0
    size: int = 0
    mtime_ns: int = 0
    width: int | None = None
    height: int | None = None
    format: str | None = None
    hash: bytes | None = None
    source_etag: str | None = None
    source_version: str | None = None
    etag: str | None = None
    version: str | None = None


class OutputStates(NamedTuple):
    """Outputs and their sources as they are now, in columns: the first of each belong together, and so on.

    Attributes:
        root: absolute path of the directory that all sources were found from.
        keys: of the outputs.
        sources: paths of the sources relative to the root.
        source_sizes: in bytes.
        source_mtimes_ns: modification times of the sources.
        recipe: the fingerprint of what the outputs would be made with now.
        sizes: of the outputs, in bytes.
        mtimes_ns: modification times of the outputs.
    """

    root: str
    keys: Sequence[str]
    sources: Sequence[str]
    source_sizes: Sequence[int]
    source_mtimes_ns: Sequence[int]
    recipe: bytes
    sizes: Sequence[int]
    mtimes_ns: Sequence[int]


class InterruptedRun(NamedTuple):
    """A run that did not end properly, or has not ended yet: it may have made outputs that it did not record.

    Attributes:
        number: of the run.
        started_ns: when it started, in nanoseconds since the epoch.
        ended_ns: when it had certainly ended.
    """

    number: int
    started_ns: int
    ended_ns: int


class LedgerStore(Protocol):
    """The records of one destination, kept between runs. A context manager that closes itself.

    All methods raise LedgerError if the records cannot be read or written.
    """

    @property
    def run(self) -> int:
        """Number of the current run; 0 before ``begin_run``."""

    @property
    def persistent(self) -> bool:
        """Whether a later run can read what is recorded."""

    @property
    def prefers_prefetch(self) -> bool:
        """Whether ``get`` is slow unless ``prefetch`` was called for the key, as with a database in a network."""

    def hold(
        self, shard: str | None, timeout: float, on_wait: Callable[[], object], *, on_cluster: bool = False
    ) -> None:
        """Hold the destination for one run, or for one shard of it, until the ledger is closed.

        Ledgers that only runs with the same lock file reach do nothing.

        Args:
            shard: the part of the work that this run does; None for all of it.
            timeout: seconds to wait for other runs to end.
            on_wait: called if there is a run to wait for.
            on_cluster: whether this is a run of a cluster, which takes the place of former ones itself. Others wait
                for those that nodes work on although their client has left.

        Raises:
            DestinationBusyError: another run holds it.
        """

    def watch(self, on_pause: Callable[[], object]) -> None:
        """Call a function again and again while the ledger waits for its database. What it raises ends the wait."""

    def begin_run(self) -> None:
        """Start a run with a new number. Earlier runs that have not ended count as interrupted."""

    def join_run(self, number: int) -> None:
        """Record for a run that another process has begun, and will end."""

    def interrupted_runs(self) -> Sequence[InterruptedRun]:
        """Return the other runs that were interrupted, as of the start of this run."""

    def get(self, key: str) -> OutputRecord | None:
        """Return the record of an output; None if there is none."""

    def get_many(self, keys: Collection[str]) -> dict[str, OutputRecord]:
        """Return the records of some outputs by key; of those that have one."""

    def match(self, states: OutputStates) -> list[int | None] | None:
        """Return for each output the run that recorded it as written, with exactly this state of output and source.

        None stands for an output with another record or none, or where that is not known: ``get`` decides. For all
        outputs, it says that this ledger only looks up records one by one.
        """

    def prefetch(self, keys: Collection[str]) -> None:
        """Look up outputs that ``get`` is about to be called for; they replace those of the former call."""

    def record(self, records: Iterable[OutputRecord]) -> None:
        """Add or replace records. They are written in batches; ``get`` returns them at once."""

    def forget(self, keys: Iterable[str]) -> None:
        """Remove the records of some outputs."""

    def iter_records(self, prefix: str = "", after: str = "") -> Iterator[OutputRecord]:
        """Yield the records whose keys start with a prefix and sort after a key, in the order of their keys' bytes."""

    def close(self) -> None:
        """Write what was recorded, mark the run as ended properly, and release the ledger; may be called again."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...
