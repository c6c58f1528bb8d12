"""A run as callers see it: its state, how far it is, its events and its failures."""

import re
import secrets
import time
from enum import StrEnum
from typing import Any

from msgspec import Struct

_ID_DIGITS = 32
_TIME_DIGITS = 12

ID = "^[0-9a-f]{32}$"
"""The form of an identifier."""


class RunState(StrEnum):
    """How far a run is."""

    QUEUED = "queued"
    """It waits for its turn."""
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    """All outputs exist and are up to date."""
    FAILED = "failed"
    """A picture failed, or the run could not be done."""
    CANCELLED = "cancelled"
    """A caller ended it early."""
    INTERRUPTED = "interrupted"
    """The gateway ended before it; the same request continues it."""

    @property
    def is_final(self) -> bool:
        """Whether nothing follows."""
        return self not in {RunState.QUEUED, RunState.RUNNING}


class Progress(Struct, frozen=True, kw_only=True):
    """How far a run is; see ``forkresize.tally.Counts``.

    Attributes:
        total: files that were found so far; None before the first.
        total_is_final: whether these are all.
        sources: sources that have an outcome.
        written: outputs that were made.
        unchanged: outputs that were up to date.
        skipped: outputs that were left out on purpose.
        failed: outputs that could not be made.
        pruned: outputs that were removed.
        in_bytes: size of the sources of all written outputs.
        out_bytes: size of these outputs.
        seconds: since the run began.
    """

    total: int | None = None
    total_is_final: bool = False
    sources: int = 0
    written: int = 0
    unchanged: int = 0
    skipped: int = 0
    failed: int = 0
    pruned: int = 0
    in_bytes: int = 0
    out_bytes: int = 0
    seconds: float = 0.0


class Run(Struct, frozen=True, kw_only=True):
    """A run.

    Attributes:
        id: 32 hexadecimal digits. Later runs have greater ones.
        principal: whose it is; empty for anonymous callers.
        state: how far it is.
        cancelled: whether a caller asked for its end.
        request: what was asked for, as JSON.
        created: seconds since the epoch.
        started: the same, or None.
        ended: the same, or None.
        progress: how far it is.
        exit_code: that the command would have ended with; None before the end, or if there is none.
        error: why the run could not be done; empty if it could.
        last_event: number of the last event.
        batch: number of the run in the cluster; None for others.
    """

    id: str
    principal: str
    state: RunState
    cancelled: bool
    request: str
    created: float
    started: float | None
    ended: float | None
    progress: Progress
    exit_code: int | None
    error: str
    last_event: int
    batch: int | None


class EventKind(StrEnum):
    """What an event is about."""

    STATE = "state"
    PROGRESS = "progress"
    FAILURE = "failure"
    NOTICE = "notice"


class Event(Struct, frozen=True):
    """An event of a run.

    Attributes:
        number: 1 for the first one of its run, 2 for the next.
        kind: what it is about.
        data: JSON.
    """

    number: int
    kind: EventKind
    data: str


class Failure(Struct, frozen=True):
    """Why an output could not be made.

    Attributes:
        number: 1 for the first one of its run, 2 for the next.
        record: the record of the outcome, as JSON; see ``forkresize.record``.
    """

    number: int
    record: str


class StateData(Struct, frozen=True):
    """The data of an event about the state of a run."""

    state: RunState
    cancelling: bool
    exit_code: int | None = None
    error: str | None = None


def new_id(clock: Any = time.time) -> str:
    """Return an identifier that others cannot guess, and that is greater than those before."""
    return f"{int(clock() * 1000):0{_TIME_DIGITS}x}{secrets.token_hex((_ID_DIGITS - _TIME_DIGITS) // 2)}"


def is_id(text: str) -> bool:
    """Return whether a text has the form of an identifier."""
    return re.fullmatch(ID, text) is not None
