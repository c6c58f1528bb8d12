"""Settings of a run: they change what is done and how fast, but not what an output looks like."""

import resource
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum

from msgspec import Struct, field
from msgspec.structs import force_setattr

from forkresize.batch.prune import MaxPrune
from forkresize.job import Source
from forkresize.ledger import parse_ledger
from forkresize.plan import Compare, IfExists, OnCollision, Order, Policy, Shard
from forkresize.pool import PoolOptions, SandboxMode, default_budget
from forkresize.recipe import parse_enum
from forkresize.walk import Selection

_MIN_SAMPLE = 20
"""Outcomes before a percentage of failures is significant."""


class MaxErrors(Struct, frozen=True):
    """How many failures stop a run.

    Attributes:
        limit: a number of failures, or a percentage.
        percent: whether the limit is a percentage of all outcomes, checked after the first 20.
    """

    limit: float
    percent: bool = False

    def reached(self, failed: int, ended: int) -> bool:
        """Return whether so many failures among so many outcomes are too many."""
        if self.percent:
            return failed > 0 and ended >= _MIN_SAMPLE and failed * 100 >= self.limit * ended
        return failed >= self.limit

    def reached_between(self, failed: int, before: int, after: int) -> bool:
        """Return whether it is reached at some time while the number of outcomes grows, and that of failures does not.

        The share of failures falls, so that the first outcome that counts decides.
        """
        first = max(before + 1, _MIN_SAMPLE) if self.percent else before + 1
        return first <= after and self.reached(failed, first)


_ENUMS: dict[str, type[StrEnum]] = {
    "on_collision": OnCollision,
    "if_exists": IfExists,
    "compare": Compare,
    "order": Order,
    "sandbox": SandboxMode,
}


class Settings(Struct, frozen=True, kw_only=True):
    """Settings of a run. Enums may be given as plain strings.

    Attributes:
        selection: which files are sources.
        files_from: yields the names of the sources, the same each time; None walks the sources themselves.
        name: template of output names; see forkresize.plan.Naming.
        flat: put all outputs directly into the destination.
        on_collision: what to do if two sources have the same output.
        if_exists: what to do if an output exists.
        compare: how to detect changed sources.
        retry_failed: try failed sources again, even if nothing about them changed.
        ledger: record what was made: True in the default place; a URL such as ``postgresql://host/database`` there;
            False or ``none`` nowhere, and outputs are compared with their sources by time alone.
        prune: remove the outputs of earlier runs whose source is gone, and those of this run's sources that the recipe
            no longer asks for.
        max_prune: if more outputs would be removed, none is.
        in_place: replace each source by its output; the destination is the single source.
        backup_dir: where to keep replaced sources; None keeps none, which ``no_backup`` has to confirm.
        no_backup: replace sources without keeping them.
        preserve_times: give each output the mtime of its source.
        dry_run: only report what would be done.
        serial: work in this process, on one picture at a time, without timeout, memory limit or sandbox; for debugging.
        pool: number of workers, limits, retries.
        sandbox: whether workers may only read the sources and write the destination.
        cache_control: the ``Cache-Control`` header of outputs in an object store; empty for none.
        metadata_header: names and values of further headers that they get.
        max_errors: when to stop early; None never does.
        order: which pictures come first.
        strict: end with exit code 1 if a source was skipped, unless its output exists.
        error_on_empty: end with exit code 9 if there was no picture.
        error_on_loss: end with exit code 12 if an output lost a part of its source; see ``forkresize.loss``.
        lock_wait: seconds to wait for another run to free the destination.
        max_duration: seconds after which no more pictures are started, from the preparation on; None for no limit.
        shard: the part of the sources that this run processes; None for all.
        source_filter: sources for which it returns False are ignored and not reported; None accepts all.

    Raises:
        FieldError: a string is not a value of its enum, or not the URL of a ledger.
    """

    selection: Selection = field(default_factory=Selection)
    files_from: Callable[[], Iterable[str]] | None = None
    name: str | None = None
    flat: bool = False
    on_collision: OnCollision = OnCollision.ERROR
    if_exists: IfExists = IfExists.UPDATE
    compare: Compare = Compare.STAT
    retry_failed: bool = False
    ledger: bool | str = True
    prune: bool = False
    max_prune: MaxPrune = field(default_factory=MaxPrune)
    in_place: bool = False
    backup_dir: str | None = None
    no_backup: bool = False
    preserve_times: bool = False
    dry_run: bool = False
    serial: bool = False
    pool: PoolOptions = field(default_factory=PoolOptions)
    sandbox: SandboxMode = SandboxMode.AUTO
    cache_control: str = ""
    metadata_header: Mapping[str, str] = field(default_factory=dict)
    max_errors: MaxErrors | None = None
    order: Order = Order.SIZE
    strict: bool = False
    error_on_empty: bool = False
    error_on_loss: bool = False
    lock_wait: float = 0.0
    max_duration: float | None = None
    shard: Shard | None = None
    source_filter: Callable[[Source], bool] | None = None

    def __post_init__(self) -> None:
        for name, kind in _ENUMS.items():
            force_setattr(self, name, parse_enum(name, kind, getattr(self, name)))
        if isinstance(self.ledger, str):
            # Its representation shows no password.
            force_setattr(self, "ledger", parse_ledger(self.ledger))

    @property
    def policy(self) -> Policy:
        """What to do about the outputs of earlier runs."""
        return Policy(if_exists=self.if_exists, compare=self.compare, retry_failed=self.retry_failed)

    @property
    def memory(self) -> int | None:
        """The bytes that rendering a picture may use, by the workers' budget and by the shell; None for no limit."""
        address_space, _ = resource.getrlimit(resource.RLIMIT_AS)
        limits = [] if address_space == resource.RLIM_INFINITY else [address_space]
        if not self.serial:
            limits.append(self.pool.memory or default_budget())
        return min(limits, default=None)
