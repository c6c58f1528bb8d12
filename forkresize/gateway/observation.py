"""What is noted about a request while it is answered, for its log line, its metrics and its trace."""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from typing import Literal, Self

from msgspec.structs import replace

from forkresize.outcome import Execution, Outcome, Stage
from forkresize.telemetry.context import TraceContext, parse_traceparent
from forkresize.telemetry.sampling import Sampling
from forkresize.telemetry.span import MAX_TEXT

CacheResult = Literal["not_modified", "stored", "made", "shared"]
"""How a picture was answered: the client has it, it was in the store, it was made, or another request made it."""

_NAME = re.compile(r"[A-Za-z][\w.\[\]-]{0,39}", re.ASCII)
"""Names of fields that are noted; signatures, keys and tokens are longer."""


class RequestRecord:
    """What is known about a request.

    Attributes:
        method: of the request.
        parent: the span of the caller, if it has sent one.
        context: of the request's span.
        started: in seconds since the epoch.
        route: template of the route; empty if none matches.
        principal: who asks; empty for anyone.
        source: the source that is asked for, as ``root/key``.
        run: the run that the request is about.
        cache: how a picture was answered.
        problem: why the gateway could not do what it was asked for.
        field: the name of what is wrong with the request.
        reason: why a picture could not be made.
        stages: what was done for pictures, besides rendering them.
        outcomes: of pictures, by picture.
    """

    def __init__(self, method: str, traceparent: str | None, sampling: Sampling) -> None:
        self.method = method
        self.parent = parse_traceparent(traceparent)
        self.context: TraceContext = sampling.begin_trace(self.parent)
        self.started = time.time()
        self.route = self.principal = self.source = self.run = ""
        self.problem = self.field = self.reason = ""
        self.cache: CacheResult | None = None
        self.stages: list[Stage] = []
        self.outcomes: list[Sequence[Outcome]] = []

    def begin_work(self) -> Self:
        """Return a record for work in the trace of this request; requests that join it may outlive this one."""
        found = copy(self)
        found.cache, found.stages, found.outcomes = None, [], []
        return found

    def take_work(self, work: Self) -> None:
        """Add what was noted about work to this request."""
        self.cache = work.cache or self.cache
        self.stages += work.stages
        self.outcomes += work.outcomes

    def fields(self) -> Mapping[str, str]:
        """Return what a log shows besides the answer; what is empty is left out."""
        texts = {
            "principal": self.principal,
            "source": self.source,
            "run": self.run,
            "cache": self.cache or "",
            "field": self.field,
            "reason": self.reason,
            "problem": self.problem,
        }
        return {name: text for name, text in texts.items() if text}


_CURRENT: ContextVar[RequestRecord | None] = ContextVar("forkresize_request", default=None)


def current_record() -> RequestRecord | None:
    """Return the record of the request that is answered; None outside of one."""
    return _CURRENT.get()


@contextmanager
def observe(record: RequestRecord | None) -> Iterator[None]:
    """Make a record the current one, also of the tasks that begin in the body."""
    token = _CURRENT.set(record)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def current_traceparent() -> str:
    """Return the context of the request's span, for what it leads to elsewhere; empty outside of a request."""
    record = _CURRENT.get()
    return "" if record is None else record.context.traceparent


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Note when the body began and ended, as a stage such as ``fetch`` or ``put``."""
    started = time.time()
    try:
        yield
    finally:
        note_stage(name, started, time.time())


def note_stage(name: str, started: float, ended: float) -> None:
    """Note a stage, with its times in seconds since the epoch."""
    record = _CURRENT.get()
    if record is not None:
        record.stages.append(Stage(name, started, max(started, ended)))


def note_picture(outcomes: Sequence[Outcome], submitted: float) -> None:
    """Note the outcomes of a picture, and how long the pool let it wait.

    Args:
        outcomes: of the picture.
        submitted: when the pool got it, in seconds since the epoch.
    """
    record = _CURRENT.get()
    if record is None or not outcomes:
        return
    execution = outcomes[0].execution
    if execution.started > submitted:
        record.stages.append(Stage("queue", submitted, execution.started))
    record.outcomes.append(outcomes)


def note_route(template: str) -> None:
    """Note the template of the route."""
    record = _CURRENT.get()
    if record is not None:
        record.route = template


def note_principal(name: str) -> None:
    """Note who asks."""
    record = _CURRENT.get()
    if record is not None:
        record.principal = name


def note_source(root: str, key: str) -> None:
    """Note which source is asked for."""
    record = _CURRENT.get()
    if record is not None:
        record.source = f"{root}/{key}"[:MAX_TEXT]


def note_run(run: str) -> None:
    """Note which run the request is about."""
    record = _CURRENT.get()
    if record is not None:
        record.run = run


def note_cache(result: CacheResult) -> None:
    """Note how a picture was answered; see CacheResult."""
    record = _CURRENT.get()
    if record is not None:
        record.cache = result


def note_problem(text: str, field: str, reason: str) -> None:
    """Note why the request was refused. None of it may hold a value that the client has chosen.

    Args:
        text: for people; empty if it would hold one.
        field: the name of what is wrong. The client may have chosen a name, too: one that does not look like it is
            left out.
        reason: why a picture could not be made.
    """
    record = _CURRENT.get()
    if record is not None:
        record.problem = text[:MAX_TEXT]
        record.field = field if _NAME.fullmatch(field) else ""
        record.reason = reason


def with_stages(record: RequestRecord) -> list[Sequence[Outcome]]:
    """Return the outcomes of a request's pictures; the last one has the stages, which were for all of them."""
    if not record.outcomes:
        return []
    *others, last = record.outcomes
    return [*others, [replace(each, execution=_add(each.execution, record.stages)) for each in last]]


def _add(execution: Execution, stages: Sequence[Stage]) -> Execution:
    return replace(execution, stages=(*execution.stages, *stages))
