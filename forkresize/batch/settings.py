"""How a batch is run: Settings, which change what is done and how fast, never what an output looks like."""

from collections.abc import Callable, Iterable
from enum import StrEnum

from msgspec import Struct, field
from msgspec.structs import force_setattr

from forkresize.batch.prune import MaxPrune
from forkresize.job import Source
from forkresize.plan import Compare, IfExists, OnCollision, Order, Policy, Shard
from forkresize.pool import PoolOptions, SandboxMode
from forkresize.recipe import parse_enum
from forkresize.walk import Selection

_ENOUGH = 20
"""Pictures that must have ended before a share of failures says anything."""


class MaxErrors(Struct, frozen=True):
    """How many failures a run puts up with.

    Attributes:
        limit: the run stops at so many failures, or at so many in a hundred.
        percent: whether the limit is a share of the pictures that have ended, judged once 20 have.
    """

    limit: float
    percent: bool = False

    def reached(self, failed: int, ended: int) -> bool:
        """Whether that many failures among that many pictures are too many."""
        if self.percent:
            return failed > 0 and ended >= _ENOUGH and failed * 100 >= self.limit * ended
        return failed >= self.limit


_WORDS: dict[str, type[StrEnum]] = {
    "on_collision": OnCollision,
    "if_exists": IfExists,
    "compare": Compare,
    "order": Order,
    "sandbox": SandboxMode,
}


class Settings(Struct, frozen=True, kw_only=True):
    """How a batch is run. Words may be given as plain strings.

    Attributes:
        selection: which files are taken.
        files_from: yields the names of the sources, the same each time; None walks the sources themselves.
        name: template of output names; see forkresize.plan.Naming.
        flat: put all outputs right below the destination.
        on_collision: what is done about two sources for one output.
        if_exists: what is done about an output that is there already.
        compare: what tells that a source changed.
        retry_failed: try again what failed, though nothing about it changed.
        ledger: whether what is done is remembered; without, outputs are judged by their times alone.
        prune: remove the outputs of earlier runs whose source is gone.
        max_prune: remove none if there are more of them.
        in_place: put each output into its source's place; the destination is the one source then.
        backup_dir: where the sources are kept that are replaced; None keeps none.
        preserve_times: give each output the time of its source.
        dry_run: settle what would be done, and do nothing.
        serial: work in this process, on one picture at a time, without timeout, memory limit or sandbox; for debugging.
        pool: number of workers, deadlines and retries.
        sandbox: whether workers are confined to reading the sources and writing the destination.
        max_errors: when to stop early; None never does.
        order: which pictures come first.
        strict: end with exit code 1 if a source was skipped, but for outputs that are there.
        error_on_empty: end with exit code 9 if there was no picture.

        lock_wait: seconds to wait for another run to free the destination.
        max_duration: seconds after which no more pictures are begun, from the start of the run; None for no limit.
        shard: the part of the sources that is this run's; None for all.
        source_filter: sources for which it returns False are ignored and not reported; None accepts all.

    Raises:
        FieldError: a word is none of those there are; names the field.
    """

    selection: Selection = field(default_factory=Selection)
    files_from: Callable[[], Iterable[str]] | None = None
    name: str | None = None
    flat: bool = False
    on_collision: OnCollision = OnCollision.ERROR
    if_exists: IfExists = IfExists.UPDATE
    compare: Compare = Compare.STAT
    retry_failed: bool = False
    ledger: bool = True
    prune: bool = False
    max_prune: MaxPrune = field(default_factory=MaxPrune)
    in_place: bool = False
    backup_dir: str | None = None
    preserve_times: bool = False
    dry_run: bool = False
    serial: bool = False
    pool: PoolOptions = field(default_factory=PoolOptions)
    sandbox: SandboxMode = SandboxMode.AUTO
    max_errors: MaxErrors | None = None
    order: Order = Order.SIZE
    strict: bool = False
    error_on_empty: bool = False
    lock_wait: float = 0.0
    max_duration: float | None = None
    shard: Shard | None = None
    source_filter: Callable[[Source], bool] | None = None

    def __post_init__(self) -> None:
        for name, kind in _WORDS.items():
            force_setattr(self, name, parse_enum(name, kind, getattr(self, name)))

    @property
    def policy(self) -> Policy:
        """How what earlier runs left is treated."""
        return Policy(if_exists=self.if_exists, compare=self.compare, retry_failed=self.retry_failed)
