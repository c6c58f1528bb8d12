"""A connection to PostgreSQL that is made again when it is lost: transactions that are tried again, and time-outs.

Nothing depends on the state of a session, so that PgBouncer may give each transaction another one: statements are not
prepared, and time-outs are set in each transaction. TLS, password files and ``PG*`` variables are libpq's.
"""

import contextlib
import logging
import os
import select
import time
from collections.abc import Callable
from typing import Any, Self, TypeVar
from weakref import WeakSet

import psycopg
from msgspec import Struct

from forkresize.ledger.postgres.errors import ConnectionLostError, Translator, parse_url

T = TypeVar("T")

Connection = psycopg.Connection[tuple[Any, ...]]
Cursor = psycopg.Cursor[tuple[Any, ...]]

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 2.0
"""Seconds between two attempts: each pause is twice as long as the one before."""

_SLICE = 0.1
"""Seconds between two calls of ``on_pause``."""

_LONGEST_ROLLBACK = 5.0
"""Seconds after which a server that does not answer to a ``ROLLBACK`` counts as gone."""

_LOG = logging.getLogger("forkresize.ledger")

_PARAMETERS = {
    "fallback_application_name": "forkresize",
    # A database with the encoding SQL_ASCII would return bytes.
    "client_encoding": "UTF8",
    # Seconds, and at last milliseconds: a host that has vanished is noticed after a minute, and a firewall does not
    # forget the connection.
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}


class Timeouts(Struct, frozen=True):
    """Seconds to wait for the database.

    Attributes:
        connect: for a connection. A time-out in the URL, or in the environment, replaces it.
        statement: for one statement.
        retry: for a lost connection to be made again.
    """

    connect: float = 10.0
    statement: float = 60.0
    retry: float = 60.0


_TIMEOUTS = Timeouts()


_OPEN: WeakSet[Connection] = WeakSet()


def _close_sockets() -> None:
    """Close the sockets that a forked process has inherited; the connections stay with its parent."""
    for connection in _OPEN:
        with contextlib.suppress(OSError, psycopg.Error):
            os.close(connection.fileno())
    _OPEN.clear()


os.register_at_fork(after_in_child=_close_sockets)


def close_after_rollback(connection: Connection) -> None:
    """Roll the transaction of a connection back, and close it: on return the server has freed the locks.

    A server notices some time later that a connection was closed. A connection that is lost, and one whose server does
    not answer, is only closed.
    """
    with contextlib.closing(connection), contextlib.suppress(psycopg.Error):
        server = connection.pgconn
        server.send_query(b"ROLLBACK")
        server.flush()
        poll = select.poll()
        poll.register(server.socket, select.POLLIN)
        deadline = time.monotonic() + _LONGEST_ROLLBACK
        while (remaining := deadline - time.monotonic()) > 0:
            if server.is_busy():
                poll.poll(remaining * 1000)
                server.consume_input()
            elif server.get_result() is None:
                break


class Database:
    """A database that one thread of one process uses. It connects when it is used first.

    Args:
        url: ``postgresql://…``
        timeouts: how long to wait for it.

    Raises:
        FieldError: the URL is invalid.
    """

    def __init__(self, url: str, timeouts: Timeouts = _TIMEOUTS) -> None:
        self.on_pause: Callable[[], object] = lambda: None
        """Called again and again while a lost connection is waited for. What it raises ends the wait."""
        self._timeouts = timeouts
        self._translator = Translator(url)
        self.name = self._translator.name
        self._parameters: dict[str, Any] = {**_PARAMETERS, **parse_url(url)}
        if "PGCONNECT_TIMEOUT" not in os.environ:
            self._parameters.setdefault("connect_timeout", str(max(2, round(timeouts.connect))))
        self._connection: Connection | None = None
        self._connected_before = False
        self._lost_since: float | None = None
        self._is_announced = False
        self._next_attempt = 0.0
        self._pause = _FIRST_PAUSE
        milliseconds = round(timeouts.statement * 1000)
        settings = ("statement_timeout", "idle_in_transaction_session_timeout")
        self._begin = ";".join(["BEGIN", *(f"SET LOCAL {name} = {milliseconds}" for name in settings)])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def is_pausing(self) -> bool:
        """Whether a call that does not wait would fail at once: the connection is lost, and was tried just now."""
        return time.monotonic() < self._next_attempt

    def run(self, work: Callable[[Cursor], T], *, wait: bool = True) -> T:
        """Return what a function returns that is given a cursor in a transaction.

        If the connection is lost, or the transaction deadlocks, the function is called again in a new transaction. The
        former one may have been committed by then: a second time must do no harm.

        Args:
            work: executes statements; its rows are transferred in binary.
            wait: whether to wait for a lost connection, as long as the time-out allows; otherwise one attempt is made.

        Raises:
            ConnectionLostError: the connection is lost, and the call did not wait; it may succeed later.
            LedgerError: the database cannot be used, or did not come back in time.
        """
        while True:
            try:
                if not wait and self.is_pausing:
                    raise ConnectionLostError(f"{self.name} cannot be reached")
                result = self._run_once(work)
            except psycopg.Error as error:
                self._give_up_or_pause(error, wait=wait)
            else:
                self._lost_since, self._next_attempt, self._pause = None, 0.0, _FIRST_PAUSE
                self._is_announced = False
                return result

    def connect(self) -> Connection:
        """Return a new connection, on which every statement is a transaction of its own; the caller closes it.

        Raises:
            Error: of psycopg: there is no connection. ``run`` translates it if this is called within a transaction.
        """
        # Not prepared: the next transaction may have another session.
        connection = psycopg.connect("", **self._parameters, autocommit=True, prepare_threshold=None)
        _OPEN.add(connection)
        return connection

    def close(self) -> None:
        """Close the connection; the next transaction makes a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _run_once(self, work: Callable[[Cursor], T]) -> T:
        connection = self._current()
        try:
            # Without parameters, several statements travel together.
            connection.execute(self._begin)
            with connection.cursor(binary=True) as cursor:
                result = work(cursor)
            connection.execute("COMMIT")
        except BaseException:
            # The server rolls back the transaction of a connection that is closed.
            self.close()
            raise
        return result

    def _current(self) -> Connection:
        if self._connection is None:
            self._connection = self.connect()
            self._connected_before = True
        return self._connection

    def _give_up_or_pause(self, error: psycopg.Error, *, wait: bool) -> None:
        """Return when it is time for the next attempt.

        Raises:
            LedgerError: there is none.
        """
        if not self._translator.passes(error, connected_before=self._connected_before):
            raise self._translator.translate(error) from None
        now = time.monotonic()
        self._lost_since = self._lost_since or now
        if now + self._pause > self._lost_since + self._timeouts.retry:
            raise self._translator.translate(error) from None
        self._next_attempt = now + self._pause
        pause, self._pause = self._pause, min(2 * self._pause, _LONGEST_PAUSE)
        if not wait:
            raise self._translator.translate(error, ConnectionLostError) from None
        if not self._is_announced:
            self._is_announced = True
            text, seconds = self._translator.translate(error), self._timeouts.retry
            _LOG.warning("waiting for the database, for %.0f s at most: %s", seconds, text)
        self._sleep(pause)

    def _sleep(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (remaining := end - time.monotonic()) > 0:
            self.on_pause()
            time.sleep(min(_SLICE, remaining))
