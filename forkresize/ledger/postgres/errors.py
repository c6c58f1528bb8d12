"""Errors of the database: which of them pass, and their messages, without secrets."""

import psycopg
from psycopg.conninfo import conninfo_to_dict

from forkresize.errors import FieldError, LedgerError
from forkresize.urls import redact

_SECRETS = ("password", "sslpassword", "oauth_client_secret")
"""Parameters of a connection that no message may show."""

_PASSING = frozenset(
    {
        "40001",  # serialization_failure
        "40P01",  # deadlock_detected
        "53300",  # too_many_connections
        "55006",  # object_in_use
        "57P01",  # admin_shutdown
        "57P02",  # crash_shutdown
        "57P03",  # cannot_connect_now
        "57P05",  # idle_session_timeout
        "25P03",  # idle_in_transaction_session_timeout
    }
)
"""Codes of errors after which the same transaction may succeed; see Appendix A of PostgreSQL's manual."""

_STARTING = ("starting up", "shutting down", "not yet accepting", "recovery mode", "too many clients")
"""Parts of messages when a connection is refused for a while: psycopg does not know their codes."""

_TIMED_OUT = "57014"

_NO_TABLES = frozenset({"3F000", "42P01"})
"""Codes of a missing schema or table."""


class ConnectionLostError(LedgerError):
    """The connection was lost and cannot be made again so far; the same transaction may succeed later."""


def parse_url(url: str) -> dict[str, str]:
    """Return the parameters of a connection, as libpq names them.

    Raises:
        FieldError: the URL is not one of PostgreSQL's. The message shows no secret, and neither does its traceback.
    """
    try:
        parameters = conninfo_to_dict(url)
    except psycopg.Error:
        # libpq's message quotes what it cannot parse, which may be a part of the password.
        parameters = None
    if parameters is None:
        accepted = "use postgresql://USER@HOST:PORT/DATABASE, with special characters percent-encoded"
        raise FieldError("ledger", f"invalid URL {redact(url)!r}: {accepted}")
    return {name: str(value) for name, value in parameters.items() if value is not None}


class Translator:
    """Turns errors of psycopg into those of this project.

    Args:
        url: of the database.
    """

    def __init__(self, url: str) -> None:
        parameters = parse_url(url)
        self.name = f"the ledger {redact(url)!r}"
        self._secrets = [parameters[name] for name in _SECRETS if parameters.get(name)]

    def passes(self, error: psycopg.Error, *, connected_before: bool) -> bool:
        """Return whether the same transaction may succeed when it is tried again.

        Args:
            error: what the database or the connection reported.
            connected_before: whether there was a connection; otherwise the URL or the rights may be wrong.
        """
        if error.sqlstate is not None:
            return error.sqlstate in _PASSING or error.sqlstate.startswith("08")
        if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
            return False
        return connected_before or any(part in str(error) for part in _STARTING)

    def translate(self, error: psycopg.Error, kind: type[LedgerError] = LedgerError) -> LedgerError:
        """Return the error to raise; its message shows no password."""
        if error.sqlstate == _TIMED_OUT:
            return kind(f"{self.name} did not answer in time: {self._text(error)}")
        if error.sqlstate in _NO_TABLES:
            missing = error.diag.message_primary or "they do not exist"
            return kind(f"{self.name} lacks tables ({missing}): create them by forkresized migrate")
        return kind(f"{self.name} cannot be used: {self._text(error)}")

    def _text(self, error: psycopg.Error) -> str:
        text = " ".join(str(error).split())
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text
