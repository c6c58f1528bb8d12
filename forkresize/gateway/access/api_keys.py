"""API keys: random, shown once, and stored as their SHA-256 in a file that may change while the gateway runs."""

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Iterator

from msgspec import Struct

from forkresize.errors import FieldError
from forkresize.gateway.access.key_file import KeyFile
from forkresize.gateway.access.principal import ROLES, Principal

PREFIX = "forkresize_"
"""The beginning of each key: scanners for secrets find it, and no token begins with it."""

_RANDOM_BYTES = 32
"""Too many to guess: a plain hash is enough, and no slow one is needed."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


class CreatedKey(Struct, frozen=True):
    """A new key.

    Attributes:
        key: what the caller sends.
        line: what the file of the gateway stores.
    """

    key: str
    line: str


class _StoredKey(Struct, frozen=True):
    principal: Principal
    digest: bytes


class ApiKeys:
    """The keys in a file: a line ``NAME:ROLE:SHA256`` each; ``#`` begins a comment. See ``KeyFile``.

    Args:
        path: of the file.
        clock: returns seconds, as ``time.monotonic`` does.

    Raises:
        FieldError: the file cannot be read, or a line is malformed.
    """

    def __init__(self, path: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._file = KeyFile(path, _parse, "api_keys", clock)

    def find(self, key: str) -> Principal | None:
        """Return whose key it is; None if it is unknown. It takes as long for each unknown key."""
        digest = hashlib.sha256(key.encode(errors="replace")).hexdigest().encode()
        found = None
        for stored in self._file.content() or ():
            if hmac.compare_digest(stored.digest, digest):
                found = stored.principal
        return found


def create_key(name: str, role: str) -> CreatedKey:
    """Return a new key.

    Args:
        name: whose key it is, for logs and rate limits.
        role: ``reader``, ``submitter`` or ``admin``.

    Raises:
        FieldError: the name is invalid.
    """
    if not _NAME.fullmatch(name):
        raise FieldError("name", f"invalid name {name!r}: use 1 to 64 letters, digits, '.', '_' and '-'")
    key = PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    return CreatedKey(key, f"{name}:{role}:{hashlib.sha256(key.encode()).hexdigest()}")


def _parse(data: bytes) -> tuple[list[_StoredKey], list[str]]:
    """Return the keys of a file, and what is wrong with its other lines."""
    keys: dict[str, _StoredKey] = {}
    errors = []
    for number, text in _find_lines(data):
        name, _, rest = text.partition(":")
        role, _, digest = rest.partition(":")
        if not (_NAME.fullmatch(name) and role in ROLES and _DIGEST.fullmatch(digest)):
            # Without its text, which may be a key that was pasted there.
            errors.append(f"{number}: malformed line: use NAME:ROLE:SHA256, as 'forkresized key create' prints it")
        elif name in keys:
            errors.append(f"{number}: the name {name!r} is used twice: each key needs a name of its own")
        else:
            keys[name] = _StoredKey(Principal(f"key:{name}", ROLES[role]), digest.encode())
    return list(keys.values()), errors


def _find_lines(data: bytes) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(data.decode(errors="replace").splitlines(), 1):
        text = line.partition("#")[0].strip()
        if text:
            yield number, text
