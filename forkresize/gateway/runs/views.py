"""Runs and failures as JSON."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from msgspec import Meta, Raw, Struct

from forkresize.gateway.runs.queries import FailuresQuery, RunsQuery
from forkresize.gateway.runs.request import RunRequest
from forkresize.gateway.runs.run import Failure, Progress, Run, RunState

PATH = "/v1/runs"


class RunLinks(Struct, frozen=True):
    """Where the rest of a run is."""

    self: str
    events: str
    failures: str


class RunView(Struct, frozen=True, kw_only=True):
    """A run."""

    id: str
    state: RunState
    cancelling: Annotated[bool, Meta(description="Whether it was cancelled and its last pictures are being finished.")]
    where: Annotated[str, Meta(description="`cluster`, or `here`: on the machine of the gateway.")]
    principal: Annotated[str, Meta(description="Who submitted it; empty for anonymous callers.")]
    created: datetime
    started: datetime | None
    ended: datetime | None
    request: RunRequest
    progress: Progress
    exit_code: Annotated[int | None, Meta(description="What the command would have ended with.")]
    error: Annotated[str | None, Meta(description="Why the run could not be done.")]
    links: RunLinks


class RunPage(Struct, frozen=True):
    """Runs, the newest first."""

    runs: list[RunView]
    next: Annotated[str | None, Meta(description="The URL of the next page; null on the last page.")]


class FailureView(Struct, frozen=True, kw_only=True):
    """Why an output could not be made."""

    number: Annotated[int, Meta(description="1 for the first failure of the run, 2 for the next.")]
    source: Annotated[str, Meta(description="Root and key of the source.")]
    destination: Annotated[str | None, Meta(description="Root and key of the output; null for all of the source.")]
    status: str
    reason: str | None
    error: str | None
    signal: Annotated[str | None, Meta(description="The signal that ended the worker.")]
    attempts: int
    in_bytes: int
    seconds: float


class FailurePage(Struct, frozen=True):
    """Failures of a run, in the order in which they happened."""

    failures: list[FailureView]
    next: Annotated[str | None, Meta(description="The URL of the next page; null on the last page.")]


def show_run(run: Run, *, where: str) -> dict[str, Any]:
    """Return a run, ready for JSON; see RunView.

    Args:
        run: it.
        where: ``cluster`` or ``here``.
    """
    path = run_path(run.id)
    return {
        "id": run.id,
        "state": run.state,
        "cancelling": run.cancelled and not run.state.is_final,
        "where": where,
        "principal": run.principal,
        "created": _time(run.created),
        "started": _time(run.started),
        "ended": _time(run.ended),
        "request": Raw(run.request.encode()),
        "progress": run.progress,
        "exit_code": run.exit_code,
        "error": run.error or None,
        "links": RunLinks(path, f"{path}/events", f"{path}/failures"),
    }


def run_path(run: str) -> str:
    """Return the path of a run's URL."""
    return f"{PATH}/{run}"


def show_runs(runs: Sequence[Run], query: RunsQuery, *, where: str) -> dict[str, Any]:
    """Return a page of runs; see RunPage."""
    following = None
    if len(runs) == query.limit:
        state = {} if query.state is None else {"state": query.state.value}
        following = f"{PATH}?{urlencode({**state, 'before': runs[-1].id, 'limit': query.limit})}"
    return {"runs": [show_run(run, where=where) for run in runs], "next": following}


def show_failures(run: str, failures: Sequence[Failure], query: FailuresQuery) -> dict[str, Any]:
    """Return a page of failures; see FailurePage."""
    following = None
    if len(failures) == query.limit:
        following = f"{run_path(run)}/failures?{urlencode({'after': failures[-1].number, 'limit': query.limit})}"
    found = [{"number": failure.number, **msgspec.json.decode(failure.record)} for failure in failures]
    return {"failures": found, "next": following}


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
