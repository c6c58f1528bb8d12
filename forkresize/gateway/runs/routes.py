"""The routes of batches: ``/v1/runs``."""

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, json
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from forkresize.errors import LedgerError
from forkresize.gateway.access.principal import Principal, Role
from forkresize.gateway.describe import Answer, describe
from forkresize.gateway.observation import note_run
from forkresize.gateway.problem import Problem
from forkresize.gateway.queries import parse_query, read_json_body
from forkresize.gateway.runs import sse
from forkresize.gateway.runs.errors import (
    InvalidRequestError,
    KeyInUseError,
    KeyReusedError,
    NoSuchRunError,
    TooManyRunsError,
)
from forkresize.gateway.runs.idempotency import HEADER, parse_key
from forkresize.gateway.runs.manager import RunManager
from forkresize.gateway.runs.queries import MAX_NUMBER, Caller, FailuresQuery, RunsQuery
from forkresize.gateway.runs.request import MAX_BYTES, RunRequest, decode_request
from forkresize.gateway.runs.run import Run, is_id
from forkresize.gateway.runs.views import (
    PATH,
    FailurePage,
    RunPage,
    RunView,
    run_path,
    show_failures,
    show_run,
    show_runs,
)

_LOG = logging.getLogger("forkresize.gateway.runs")

_JSON = "application/json"

_MAX_LISTENERS = 1_000

_MAX_DIGITS = len(str(MAX_NUMBER))

_LINKS = {
    name: {"run": "$response.body#/id"}
    for name in ("get_v1_runs_run", "delete_v1_runs_run", "get_v1_runs_run_failures", "get_v1_runs_run_events")
}

_EXAMPLE = {
    "sources": ["photos"],
    "destination": "web/small",
    "recipe": {"renditions": [{"width": 800, "format": "webp"}]},
}

_RUN = Answer("The run.", {_JSON: RunView})


class SubmitHeaders(Struct, frozen=True):
    """Headers of a request for a run."""

    idempotency_key: Annotated[
        str | None,
        Meta(description="A string that is new for each run: with the same one, none is started."),
    ] = None


class EventsHeaders(Struct, frozen=True):
    """Headers of a request for events."""

    last_event_id: Annotated[
        str, Meta(pattern="^[0-9]{0,9}$", description="Number of the last event that the listener knows.")
    ] = ""


class RunEvent(Struct, frozen=True):
    """An event of a run.

    Attributes:
        event: what happened.
        data: JSON: the state, the progress, a failure as in the list of failures, or a text for a notice.
        id: its number in the run.
    """

    event: Literal["state", "progress", "failure", "notice"]
    data: str
    id: str = ""


class RunApi:
    """The endpoints.

    Args:
        runs: the runs.
    """

    def __init__(self, runs: RunManager) -> None:
        self._runs = runs
        self._where = "here" if runs.settings.cluster is None else "cluster"

    def routes(self) -> list[BaseRoute]:
        """Return the routes."""
        one = f"{PATH}/{{run}}"
        return [
            Route(PATH, self.submit, methods=["POST"]),
            Route(PATH, self.list_runs),
            Route(one, self.get),
            Route(one, self.cancel, methods=["DELETE"]),
            Route(f"{one}/events", self.events),
            Route(f"{one}/failures", self.failures),
        ]

    @describe(
        "Start a run",
        tag="runs",
        headers=SubmitHeaders,
        body={_JSON: Annotated[RunRequest, Meta(examples=[_EXAMPLE])]},
        answers={202: Answer("The run.", {_JSON: RunView}, {"Location": "The URL of the run."}, _LINKS)},
        problems=(409, 413, 415, 422),
    )
    async def submit(self, request: Request) -> Response:
        """Add a batch, which begins when its turn comes.

        With an `Idempotency-Key`, a second request with the same body is answered with the same run, for 24 hours. One
        with another body is answered with 422, and one that comes before the first is answered with 409.
        """
        body = await read_json_body(request, MAX_BYTES)
        with _problems():
            key = parse_key(request.headers.getlist(HEADER))
            run = await self._runs.submit(decode_request(body), _caller(request), key)
        note_run(run.id)
        return self._answer(self._show(run), HTTPStatus.ACCEPTED, {"location": run_path(run.id)})

    @describe(
        "List runs",
        tag="runs",
        query=RunsQuery,
        answers={200: Answer("A page of runs.", {_JSON: RunPage})},
    )
    async def list_runs(self, request: Request) -> Response:
        """Return the caller's runs, the newest first; those of all callers for an admin."""
        query = parse_query(request, RunsQuery)
        with _problems():
            found = await self._runs.list_runs(query, _caller(request))
        return self._answer(show_runs(found, query, where=self._where))

    @describe("Get a run", tag="runs", answers={200: _RUN}, problems=(404,))
    async def get(self, request: Request) -> Response:
        """Return a run with its progress."""
        with _problems():
            run = await self._runs.get(_run_of(request), _caller(request))
        return self._answer(self._show(run))

    @describe("Cancel a run", tag="runs", answers={202: _RUN}, problems=(404,))
    async def cancel(self, request: Request) -> Response:
        """Ask for the end of a run: pictures in progress are finished. A run that has ended stays as it is."""
        with _problems():
            run = await self._runs.cancel(_run_of(request), _caller(request))
        return self._answer(self._show(run), HTTPStatus.ACCEPTED)

    @describe(
        "List the failures of a run",
        tag="runs",
        query=FailuresQuery,
        answers={200: Answer("A page of failures.", {_JSON: FailurePage})},
        problems=(404,),
    )
    async def failures(self, request: Request) -> Response:
        """Return why outputs could not be made, in the order in which it happened; at most 10,000 of a run."""
        query, run = parse_query(request, FailuresQuery), _run_of(request)
        with _problems():
            found = await self._runs.failures(run, _caller(request), query)
        return self._answer(show_failures(run, found, query))

    @describe(
        "Follow a run",
        tag="runs",
        headers=EventsHeaders,
        answers={
            200: Answer("Server-sent events.", {sse.MEDIA_TYPE: RunEvent}),
            204: Answer("The run has ended, and the listener knows all of its events."),
        },
        problems=(404,),
    )
    async def events(self, request: Request) -> Response:
        """Return the events `state`, `progress`, `failure` and `notice` of a run, from the first one on, as they come.

        The stream ends with the run. With `Last-Event-ID`, it continues after that event.
        """
        after = _last_event(request)
        with _problems():
            run = await self._runs.get(_run_of(request), _caller(request))
        # The listeners of a run share what is read: a number that no event has yet would keep events from all of them.
        after = min(after, run.last_event)
        if run.state.is_final and after == run.last_event:
            return Response(status_code=HTTPStatus.NO_CONTENT, headers=sse.HEADERS)
        if request.method == "HEAD":
            # It would listen without ever getting an event.
            return Response(headers=sse.HEADERS, media_type=sse.MEDIA_TYPE)
        if self._runs.feeds.listeners >= _MAX_LISTENERS:
            text = f"{_MAX_LISTENERS} listeners follow runs, and no more are accepted"
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, text, retry_after=10)

        async def stream() -> AsyncIterator[bytes]:
            async with self._runs.listen(run.id) as feed:
                async for data in sse.stream_events(feed, after):
                    yield data

        return StreamingResponse(stream(), media_type=sse.MEDIA_TYPE, headers=sse.HEADERS)

    def _show(self, run: Run) -> dict[str, Any]:
        return show_run(run, where=self._where)

    def _answer(self, content: Any, status: int = HTTPStatus.OK, headers: dict[str, str] | None = None) -> Response:
        return Response(json.encode(content), status, {"cache-control": "no-store", **(headers or {})}, _JSON)


def _run_of(request: Request) -> str:
    """Return the identifier in the path."""
    run: str = request.path_params["run"]
    if is_id(run):
        note_run(run)
    return run


def _caller(request: Request) -> Caller:
    principal: Principal = request.state.principal
    return Caller(principal.name, is_admin=principal.may(Role.ADMIN))


def _last_event(request: Request) -> int:
    text = request.headers.get("last-event-id", "").strip()
    # Browsers send an empty one before the first event.
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS and int(text) <= MAX_NUMBER):
        raise Problem(HTTPStatus.BAD_REQUEST, f"{text[:40]!r} is not the id of an event", field="Last-Event-ID")
    return int(text)


@contextmanager
def _problems() -> Iterator[None]:
    """Turn what the registry refuses into problems."""
    try:
        yield
    except NoSuchRunError as error:
        raise Problem(HTTPStatus.NOT_FOUND, str(error)) from error
    except KeyReusedError as error:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), field=HEADER) from error
    except KeyInUseError as error:
        raise Problem(HTTPStatus.CONFLICT, str(error), field=HEADER, retry_after=1) from error
    except TooManyRunsError as error:
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error), retry_after=30) from error
    except InvalidRequestError as error:
        raise Problem(HTTPStatus.BAD_REQUEST, error.message, field=error.field) from error
    except LedgerError as error:
        _LOG.warning("a request is refused: %s", error)
        text = "the records of runs cannot be reached"
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, text, retry_after=5) from error


def routes(runs: RunManager | None) -> list[BaseRoute]:
    """Return the routes; none for a gateway that does no batches."""
    return [] if runs is None else RunApi(runs).routes()
