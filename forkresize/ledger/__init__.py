"""The records that are kept between runs: what each output was made of, and how."""

import os
from typing import TYPE_CHECKING

from forkresize.errors import FieldError, LedgerError, describe
from forkresize.extras import install_command
from forkresize.ledger.base import InterruptedRun, LedgerStore, OutputRecord, OutputStates
from forkresize.ledger.null import NullLedger
from forkresize.ledger.place import NO_LEDGER, LedgerUrl, default_ledger, destination_name, parse_ledger
from forkresize.ledger.records import (
    MEMORY_REASONS,
    RecipeFingerprints,
    recordable_version,
    records_for,
    source_record,
    split_root,
)
from forkresize.urls import is_url, local_path

if TYPE_CHECKING:
    from forkresize.ledger.postgres import PostgresLedger

__all__ = [
    "MEMORY_REASONS",
    "NO_LEDGER",
    "InterruptedRun",
    "LedgerStore",
    "LedgerUrl",
    "NullLedger",
    "OutputRecord",
    "OutputStates",
    "RecipeFingerprints",
    "check_ledger",
    "default_ledger",
    "open_ledger",
    "parse_ledger",
    "recordable_version",
    "records_for",
    "source_record",
    "split_root",
]


def open_ledger(
    destination: str, url: str | None = None, *, read_only: bool = False, durable: bool = False
) -> LedgerStore:
    """Open the ledger of a destination, to be used as a context manager, in the process and thread that opened it.

    Args:
        destination: the directory that all outputs lie below, or the URL of their store; a ``file`` URL stands for
            its directory.
        url: where the ledger is, such as ``sqlite:///path`` or ``postgresql://host/database``; by default below a
            directory, and otherwise below ``$XDG_STATE_HOME``.
        read_only: whether nothing may be written; a missing ledger is empty then.
        durable: whether every record has to survive a power failure as soon as it is made.

    Raises:
        FieldError: the URL is invalid, or names a database that this installation has no driver for.
        LedgerError: the ledger is damaged, cannot be reached or written, or was made by a later version.
    """
    from forkresize.ledger.sqlite import SqliteLedger, ledger_path

    destination = local_path(destination)
    if url is None and not is_url(destination):
        if read_only and not os.path.lexists(ledger_path(destination)):
            return NullLedger()
        return SqliteLedger(destination, read_only=read_only, durable=durable)
    place = default_ledger(destination) if url is None else LedgerUrl(url)
    name = destination_name(destination, create=not read_only)
    if name is None or (read_only and place.path is not None and not os.path.lexists(place.path)):
        return NullLedger()
    if place.path is None:
        return _postgres_ledger()(place, name, read_only=read_only, durable=durable)
    if not read_only:
        _make_folder(place.path)
    return SqliteLedger(name.name, path=place.path, read_only=read_only, durable=durable)


def check_ledger(url: str) -> None:
    """Check that a URL is one that ``open_ledger`` can use; nothing is opened.

    Raises:
        FieldError: it is invalid, or names a database that this installation has no driver for.
    """
    if LedgerUrl(url).path is None:
        _postgres_ledger()
        from forkresize.ledger.postgres.errors import parse_url

        parse_url(url)


def _make_folder(path: str) -> None:
    try:
        os.makedirs(os.path.dirname(os.path.abspath(path)), mode=0o700, exist_ok=True)
    except OSError as error:
        raise LedgerError(f"the ledger {path!r} cannot be created: {describe(error)}") from error


def _postgres_ledger() -> "type[PostgresLedger]":
    try:
        from forkresize.ledger.postgres import PostgresLedger
    except ImportError as error:
        raise FieldError("ledger", f"PostgreSQL requires psycopg: {install_command('postgres')}") from error
    return PostgresLedger
