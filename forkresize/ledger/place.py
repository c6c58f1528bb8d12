"""Where a ledger is: URLs of ledgers, the default for destinations that are not directories, names of destinations."""

import fcntl
import os
import re
from io import FileIO

from msgspec import Struct

from forkresize.errors import FieldError, LedgerError, describe
from forkresize.hashing import random_hex
from forkresize.store.base import IDENTITY
from forkresize.store.beneath import make_directories
from forkresize.store.state_dir import is_trusted, open_state_file, state_dir
from forkresize.urls import file_url, is_url, redact

NO_LEDGER = "none"

_SQLITE = "sqlite:"
_POSTGRES = "postgresql://", "postgres://"

_ACCEPTED = f"use a URL such as sqlite:///var/lib/forkresize/ledger.db or postgresql://HOST/DATABASE, or {NO_LEDGER}"

_ID = re.compile(rb"[0-9a-f]{32}")


class LedgerUrl(str):
    """The URL of a ledger. Its representation shows no password, so that settings can be printed."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(redact(self))

    @property
    def path(self) -> str | None:
        """The path of the file of an SQLite ledger; empty if there is none, None for other ledgers."""
        if not self.startswith(_SQLITE):
            return None
        path = self.removeprefix(_SQLITE)
        if path.startswith("///"):
            # Of SQLAlchemy's URLs, those of absolute paths have a fourth slash.
            return f"/{path.lstrip('/')}"
        # A host would be between two slashes and the third.
        return "" if path.startswith("//") else path


class DestinationName(Struct, frozen=True):
    """What a database of several destinations calls one of them.

    Attributes:
        name: identifies it.
        label: describes it to people.
        url: where it is, as nodes of a cluster know it.
    """

    name: str
    label: str
    url: str


def parse_ledger(text: str) -> "LedgerUrl | bool":
    """Return a ledger as settings hold it: a URL, True for the default place, or False for none.

    Raises:
        FieldError: it is neither.
    """
    word = text.strip().lower()
    if word in {NO_LEDGER, "false", "no", "off", "0"}:
        return False
    if word in {"auto", "true", "yes", "on", "1"}:
        return True
    url = LedgerUrl(text)
    if "\0" not in text and (url.startswith(_POSTGRES) or (url.path and url.path[-1] != "/")):
        return url
    shown = redact(text) if is_url(text) else text
    raise FieldError("ledger", f"invalid value {shown!r}: {_ACCEPTED}")


def default_ledger(destination: str) -> LedgerUrl:
    """Return the ledger of a destination that is not a local directory: a file of its own in the user's state.

    Args:
        destination: its URL.
    """
    # Paths that are not absolute are ignored; see the XDG Base Directory Specification.
    state = os.environ.get("XDG_STATE_HOME", "")
    home = state if os.path.isabs(state) else os.path.expanduser("~/.local/state")
    import hashlib

    digest = hashlib.sha256(os.fsencode(destination)).hexdigest()[:16]
    return LedgerUrl(f"{_SQLITE}//{home}/forkresize/{digest}/ledger.db")


def destination_name(destination: str, *, create: bool) -> DestinationName | None:
    """Return what a database calls a destination.

    A directory has an identifier in it: it may be moved, and machines may have different directories with one path.

    Args:
        destination: a directory or a URL.
        create: whether to give a directory an identifier if it has none.

    Returns:
        None for a directory without an identifier.

    Raises:
        LedgerError: the identifier cannot be read or written.
    """
    if is_url(destination):
        return DestinationName(destination, destination, destination)
    path = os.path.join(destination, IDENTITY)
    try:
        identifier = _read_id(path, create=create)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LedgerError(f"the destination's identifier {path!r} cannot be used: {describe(error)}") from error
    absolute = os.path.abspath(destination)
    return DestinationName(f"file:{identifier}", f"{os.uname().nodename}:{absolute}", file_url(absolute))


def _read_id(path: str, *, create: bool) -> str:
    """Return the identifier in a file, which is made if it is missing, and only one process does it.

    Raises:
        LedgerError: it is not an identifier, or not of this destination's users.
        OSError: it cannot be read or written.
    """
    if create:
        make_directories(os.path.dirname(path))
    with state_dir(os.path.dirname(path)) as directory:
        flags = os.O_RDWR | os.O_CREAT if create else os.O_RDONLY
        with FileIO(open_state_file(directory, path, flags), "r+" if create else "r") as file:
            fcntl.flock(file, fcntl.LOCK_EX if create else fcntl.LOCK_SH)
            if not is_trusted(os.fstat(file.fileno()), os.stat(os.pardir, dir_fd=directory)):
                raise LedgerError(f"the destination's identifier {path!r} belongs to another user; remove it")
            content = os.pread(file.fileno(), 64, 0)
            if create and not content:
                content = random_hex(16).encode("ascii")
                os.pwrite(file.fileno(), content, 0)
                os.fsync(file.fileno())
    if not content:
        raise FileNotFoundError(path)
    if not _ID.fullmatch(content):
        raise LedgerError(f"the destination's identifier {path!r} is damaged; remove it to start over")
    return content.decode("ascii")
