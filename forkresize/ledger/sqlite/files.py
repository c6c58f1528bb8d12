"""The files of a ledger, checked before SQLite opens them.

Others may have planted them. SQLite believes a rollback journal: it overwrites the database with it, and deletes the
file that the journal names. See "The Rollback Journal" in https://www.sqlite.org/fileformat2.html.
"""

import contextlib
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO

from forkresize.errors import LedgerError, describe
from forkresize.hashing import random_hex
from forkresize.store.state_dir import describe_problem, is_trusted, open_state_file, state_dir

MAX_SIZE = 1 << 32
"""Bytes that each file of a ledger may have: those of 30 million outputs.

SQLite reads all of a write-ahead log before the first statement, and all pages in ``quick_check``. Older versions do
not handle signals during both.
"""

_SUFFIXES = "", "-wal", "-shm", "-journal"

_MAGIC = bytes.fromhex("d9d505f920a163d7")
_HEADER_SIZE = 28
"""Bytes of a journal's header up to the page size."""


def check_files(path: str, *, read_only: bool = False) -> None:
    """Check the files of a ledger. They may be missing, and another run may be writing them.

    Args:
        path: of the ledger.
        read_only: whether nothing may be created beside it, not even for a moment.

    Raises:
        LedgerError: one is not what a run leaves: it is not a regular file, belongs to another user, is too large, or
            is a journal that no run wrote.
    """
    with _open_folder(path) as directory:
        destination = os.stat(os.pardir, dir_fd=directory)
        found = {os.path.dirname(path): os.fstat(directory)}
        for suffix in _SUFFIXES:
            try:
                status = os.lstat(os.path.basename(path) + suffix, dir_fd=directory)
            except FileNotFoundError:
                continue
            _check_file(path + suffix, status)
            found[path + suffix] = status
        foreign = {name: status.st_uid for name, status in found.items() if not is_trusted(status, destination)}
        if foreign and set(foreign.values()) != {_owner_of_new_files(directory, read_only=read_only)}:
            name, owner = next(iter(foreign.items()))
            raise LedgerError(
                f"the ledger's file {name!r} belongs to user {owner}, who is neither this one, root, nor the owner of "
                "the destination; remove it, or let users share the destination by its group"
            )
        _check_journal(path, directory)


def check_journal(path: str) -> None:
    """Check that the rollback journal of a ledger, if there is one, is one that a run may have left.

    Raises:
        LedgerError: it is not.
    """
    with _open_folder(path) as directory:
        _check_journal(path, directory)


@contextmanager
def _open_folder(path: str) -> Iterator[int]:
    """Yield a descriptor of the directory of a ledger. Errors of the system are raised as LedgerErrors."""
    try:
        with state_dir(os.path.dirname(path)) as directory:
            yield directory
    except OSError as error:
        name = os.path.basename(error.filename or path)
        raise LedgerError(f"the ledger {path!r} cannot be used: {name}: {describe(error)}") from error


def _check_journal(path: str, directory: int) -> None:
    name = f"{path}-journal"
    try:
        journal = FileIO(open_state_file(directory, name, os.O_RDONLY))
    except FileNotFoundError:
        return
    with journal:
        problem = _journal_problem(journal.fileno(), os.path.basename(path), directory)
    if problem:
        raise LedgerError(f"the journal {name!r} {problem}: no run of forkresize left it; remove it")


def _journal_problem(journal: int, name: str, directory: int) -> str | None:
    """Return what shows that no run left a journal; None if nothing does.

    Args:
        journal: its descriptor.
        name: of the ledger.
        directory: the descriptor of the directory of both.
    """
    header = os.pread(journal, _HEADER_SIZE, 0)
    # A transaction over several databases ends its journals with the name of a further one, and these bytes.
    if os.pread(journal, len(_MAGIC), max(0, os.fstat(journal).st_size - len(_MAGIC))) == _MAGIC:
        return "names a further file"
    # Before it is synced, and after its transaction, the first bytes may be zero.
    if not any(header[: len(_MAGIC)]):
        return None
    if not header.startswith(_MAGIC):
        return "is not a journal of SQLite"
    pages, _, page_size = struct.unpack_from(">3I", header.ljust(_HEADER_SIZE, b"\0"), 16)
    try:
        ledger_size = os.lstat(name, dir_fd=directory).st_size
    except FileNotFoundError:
        ledger_size = 0
    # A ledger never shrinks. SQLite deletes the journal of an empty one without reading it.
    return "belongs to a larger ledger" if 0 < ledger_size < pages * page_size else None


def _check_file(path: str, status: os.stat_result) -> None:
    problem = describe_problem(status)
    if problem is None and status.st_size > MAX_SIZE:
        problem = f"larger than the {MAX_SIZE} bytes that a ledger may have; remove it"
    if problem:
        raise LedgerError(f"the ledger's file {path!r} cannot be used: {problem}")


def _owner_of_new_files(directory: int, *, read_only: bool) -> int | None:
    """Return the owner of what this process creates in a directory; None if it can or may create nothing.

    A network file system may give it another owner than this user.
    """
    if read_only:
        return None
    name = f"owner-{random_hex(8)}"
    with contextlib.suppress(OSError):
        os.mkdir(name, 0o700, dir_fd=directory)
        try:
            return os.lstat(name, dir_fd=directory).st_uid
        finally:
            os.rmdir(name, dir_fd=directory)
    return None
