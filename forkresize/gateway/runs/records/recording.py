"""The events and failures of a run, and the row of a run: how they are written and read in a transaction."""

import msgspec

from forkresize.gateway.runs.errors import NoSuchRunError
from forkresize.gateway.runs.messages import Advanced, Message, Noticed, PictureFailed, Published
from forkresize.gateway.runs.records import statements
from forkresize.gateway.runs.records.engine import Cursor
from forkresize.gateway.runs.run import Event, EventKind, Progress, Run, StateData

MAX_FAILURES = 10_000
"""Failures of a run that are kept; others are only counted."""

MAX_FAILURE_EVENTS = 1_000
"""Failures of a run that are events."""

_ENCODER = msgspec.json.Encoder()


class Recording:
    """Adds the events and failures of a run."""

    def __init__(self, cursor: Cursor, run: str, last_event: int, last_failure: int) -> None:
        self._cursor = cursor
        self._run = run
        self._events = last_event
        self._failures = last_failure
        self._batch: int | None = None
        self._progress: Progress | None = None

    def store(self, messages: list[Message]) -> None:
        """Record messages; of several about the progress, the last one counts."""
        for message in messages:
            match message:
                case Published():
                    self._batch = message.batch
                case Advanced():
                    self._progress = message.progress
                case PictureFailed():
                    self._add_failure(message)
                case Noticed():
                    self._add_event(EventKind.NOTICE, _ENCODER.encode({"text": message.text}).decode())
        progress = None if self._progress is None else _ENCODER.encode(self._progress).decode()
        if progress is not None:
            self._add_event(EventKind.PROGRESS, progress)
        values = {"last_event": self._events, "last_failure": self._failures, "batch": self._batch}
        self._cursor.change(statements.STORE, {"id": self._run, "progress": progress, **values})

    def _add_failure(self, failed: PictureFailed) -> None:
        if self._failures >= MAX_FAILURES:
            return
        values = {"source": failed.source, "destination": failed.destination, "record": failed.record}
        number = self._failures + 1
        if self._cursor.change(statements.ADD_FAILURE, {"run": self._run, "number": number, **values}):
            self._failures = number
            if number <= MAX_FAILURE_EVENTS:
                self._add_event(EventKind.FAILURE, failed.record)

    def _add_event(self, kind: EventKind, data: str) -> None:
        self._events += 1
        _insert_event(self._cursor, self._run, Event(self._events, kind, data))


def add_state(cursor: Cursor, run: str) -> None:
    """Add an event about the state that a run has now."""
    (row,) = cursor.rows(statements.NEXT_EVENT, {"id": run})
    found = get_run(cursor, run)
    data = StateData(found.state, found.cancelled and not found.state.is_final, found.exit_code, found.error or None)
    event = Event(row["last_event"], EventKind.STATE, _ENCODER.encode(data).decode())
    _insert_event(cursor, run, event)


def get_run(cursor: Cursor, run: str) -> Run:
    """Return a run.

    Raises:
        NoSuchRunError: there is none.
    """
    rows = cursor.rows(statements.GET, {"id": run})
    if not rows:
        raise NoSuchRunError(run)
    return run_of_row(rows[0])


def run_of_row(row: dict[str, object]) -> Run:
    """Return the run in a row."""
    progress = msgspec.json.decode(str(row["progress"]), type=Progress)
    return msgspec.convert({**row, "progress": progress}, Run, strict=False)


def _insert_event(cursor: Cursor, run: str, event: Event) -> None:
    values = {"run": run, "number": event.number, "kind": event.kind.value, "data": event.data}
    cursor.change(statements.ADD_EVENT, values)
