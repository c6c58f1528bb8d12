"""The records of runs: what callers asked for, how far it is, and which gateway does it."""

import msgspec

from forkresize.gateway.runs.errors import KeyReusedError, TooManyRunsError
from forkresize.gateway.runs.messages import Message
from forkresize.gateway.runs.records import statements
from forkresize.gateway.runs.records.engine import Cursor, Engine
from forkresize.gateway.runs.records.recording import Recording, add_state, get_run, run_of_row
from forkresize.gateway.runs.records.values import Claim, Lease, Limits, NewRun
from forkresize.gateway.runs.run import Event, EventKind, Failure, Run, RunState
from forkresize.ledger.scripts import read_scripts

_INSERTED = ("id", "principal", "request", "destination", "recipe", "traceparent")


class RunRecords:
    """The records. One thread uses them; all methods raise LedgerError if the database cannot be used.

    Args:
        engine: the database.
        limits: of what is kept.
    """

    def __init__(self, engine: Engine, limits: Limits) -> None:
        self._engine = engine
        self.limits = limits

    def migrate(self) -> None:
        """Create the tables, or bring them to this version."""
        self._engine.migrate(read_scripts("forkresize.gateway.runs.records.migrations"))

    def close(self) -> None:
        """Close the database."""
        self._engine.close()

    def submit(self, new: NewRun) -> Run:
        """Add a run, and return it; return the former one if its idempotency key came before.

        Raises:
            KeyReusedError: the key came with another request.
            TooManyRunsError: too many runs wait.
        """
        return self._engine.run(lambda cursor: self._submit(cursor, new))

    def get(self, run: str) -> Run:
        """Return a run.

        Raises:
            NoSuchRunError: there is none.
        """
        return self._engine.run(lambda cursor: get_run(cursor, run))

    def list_runs(self, principal: str | None, state: RunState | None, before: str | None, limit: int) -> list[Run]:
        """Return runs, the newest first.

        Args:
            principal: whose; None for all.
            state: in which state; None for any.
            before: older than the run with this identifier; None for any.
            limit: how many at most.
        """
        values = {"principal": principal, "state": state and state.value, "before": before, "limit": limit}
        return [run_of_row(row) for row in self._engine.run(lambda cursor: cursor.rows(statements.LIST, values))]

    def events(self, run: str, after: int, limit: int) -> list[Event]:
        """Return the events of a run after one with a number, in order."""
        values = {"run": run, "after": after, "limit": limit}
        rows = self._engine.run(lambda cursor: cursor.rows(statements.EVENTS, values))
        return [Event(row["number"], EventKind(row["kind"]), row["data"]) for row in rows]

    def failures(self, run: str, after: int, limit: int) -> list[Failure]:
        """Return the failures of a run after one with a number, in order."""
        values = {"run": run, "after": after, "limit": limit}
        rows = self._engine.run(lambda cursor: cursor.rows(statements.FAILURES, values))
        return [Failure(**row) for row in rows]

    def cancel(self, run: str) -> Run:
        """Ask for the end of a run, and return it. One that has ended stays as it is.

        Raises:
            NoSuchRunError: there is none.
        """

        def cancel(cursor: Cursor) -> Run:
            if any(cursor.change(each, {"id": run}) for each in (statements.CANCEL_QUEUED, statements.CANCEL_RUNNING)):
                add_state(cursor, run)
            return get_run(cursor, run)

        return self._engine.run(cancel)

    def claim(self, owner: str, lease: float) -> Claim | None:
        """Take the next run that has to be done, for so many seconds; None if there is none."""

        def claim(cursor: Cursor) -> Claim | None:
            cursor.rows(statements.LOCK_CLAIMS, {})
            rows = cursor.rows(statements.CLAIM, {"owner": owner, "lease": lease})
            if not rows:
                return None
            found = msgspec.convert(rows[0], Claim, strict=False)
            if found.attempt == 1:
                add_state(cursor, found.id)
            return found

        return self._engine.run(claim)

    def renew(self, owner: str, lease: float) -> dict[str, Lease]:
        """Hold the runs of a gateway for longer; return them by identifier."""
        values = {"owner": owner, "lease": lease}
        rows = self._engine.run(lambda cursor: cursor.rows(statements.RENEW, values))
        return {row["id"]: msgspec.convert(row, Lease, strict=False) for row in rows}

    def release(self, owner: str) -> None:
        """Leave the runs of a gateway to others."""
        self._engine.run(lambda cursor: cursor.change(statements.RELEASE, {"owner": owner}))

    def record(self, run: str, attempt: int, number: int, messages: list[Message]) -> bool:
        """Record what the process of a run has written.

        Args:
            run: its identifier.
            attempt: of the claim.
            number: 1 for the first call of the attempt, 2 for the next.
            messages: what it has written.

        Returns:
            Whether the claim is held; otherwise nothing was changed.
        """
        values = {"id": run, "attempt": attempt, "number": number}

        def record(cursor: Cursor) -> bool:
            rows = cursor.rows(statements.RECEIVE, values)
            if not rows:
                # The connection may have been lost after the commit.
                return bool(cursor.rows(statements.HOLDS, values))
            Recording(cursor, run, **rows[0]).store(messages)
            return True

        return self._engine.run(record)

    def finish(self, claim: Claim, state: RunState, exit_code: int | None = None, error: str = "") -> RunState | None:
        """Record the end of a run, and return its state; do nothing and return None if another gateway has it.

        One that a caller cancelled is cancelled, unless it succeeded.
        """
        values = {"id": claim.id, "attempt": claim.attempt}

        def finish(cursor: Cursor) -> RunState | None:
            found = {"state": state.value, "exit_code": exit_code, "error": error}
            rows = cursor.rows(statements.FINISH, {**values, **found})
            if not rows:
                return None
            add_state(cursor, claim.id)
            return RunState(rows[0]["state"])

        return self._engine.run(finish)

    def crash(self, claim: Claim) -> int:
        """Record that the process of a run ended without a result; return how often that has happened."""
        values = {"id": claim.id, "attempt": claim.attempt}
        rows = self._engine.run(lambda cursor: cursor.rows(statements.CRASH, values))
        return int(rows[0]["crashes"]) if rows else 0

    def interrupt_all(self, error: str) -> int:
        """Record that all runs that were at work are interrupted; return how many they are."""

        def interrupt(cursor: Cursor) -> int:
            rows = cursor.rows(statements.RUNNING, {})
            for row in rows:
                values = {**row, "state": RunState.INTERRUPTED.value, "exit_code": None, "error": error}
                cursor.rows(statements.FINISH, values)
                add_state(cursor, row["id"])
            return len(rows)

        return self._engine.run(interrupt)

    def purge(self) -> int:
        """Remove the runs that ended long ago; return how many they were."""
        values = {"seconds": self.limits.run_seconds}
        return self._engine.run(lambda cursor: cursor.change(statements.PURGE, values))

    def _submit(self, cursor: Cursor, new: NewRun) -> Run:
        if new.key:
            cursor.change(statements.EXPIRE_KEYS, {"seconds": self.limits.key_seconds})
            values = {"principal": new.principal, "key": new.key, "digest": new.digest, "run": new.id}
            if not cursor.change(statements.INSERT_KEY, values):
                (former,) = cursor.rows(statements.FIND_KEY, values)
                if former["digest"] != new.digest:
                    raise KeyReusedError
                return get_run(cursor, former["run"])
        if cursor.rows(statements.COUNT_QUEUED, {})[0]["count"] >= self.limits.queued:
            raise TooManyRunsError(self.limits.queued)
        if cursor.change(statements.INSERT_RUN, {name: getattr(new, name) for name in _INSERTED}):
            add_state(cursor, new.id)
        return get_run(cursor, new.id)
