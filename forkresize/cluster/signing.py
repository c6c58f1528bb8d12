"""Signatures with a key that all members of a cluster share: HMAC-SHA256.

While the key is changed there are several, one a line: the first one signs, and all of them are accepted. A key of
random bytes may contain a line feed. So what is not UTF-8 and has a line too short for a key is one key as a whole.
"""

import hashlib
import hmac
import os
from collections.abc import Mapping

from forkresize.errors import FieldError, describe

KEY_VARIABLE = "FORKRESIZE_CLUSTER_KEY"
"""The environment variable that holds the key, or nothing."""

MIN_KEY_BYTES = 32
"""A shorter key is easier to guess than the hash."""


def sign(key: bytes, purpose: str, data: bytes) -> str:
    """Return the signature of some data, 64 hexadecimal digits.

    Args:
        key: shared by all members; of several, the first line.
        purpose: what the data is, such as ``message``; a signature for one purpose is invalid for another.
        data: what is signed.
    """
    return _sign(_split(key)[0], purpose, data)


def verify(key: bytes, purpose: str, data: bytes, signature: str | None) -> bool:
    """Return whether a signature is that of some data by any of the keys, in a time that does not depend on it."""
    # Bytes, since a text that is not ASCII cannot be compared.
    given = (signature or "").encode(errors="replace")
    found = [hmac.compare_digest(_sign(line, purpose, data).encode(), given) for line in _split(key)]
    return any(found)


def _sign(line: bytes, purpose: str, data: bytes) -> str:
    return hmac.new(line, purpose.encode() + b"\0" + data, hashlib.sha256).hexdigest()


def _split(key: bytes) -> list[bytes]:
    lines = key.split(b"\n")
    return lines if min(map(len, lines)) >= MIN_KEY_BYTES or _is_text(key) else [key]


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def load_key(path: str | None, environment: Mapping[str, str] = os.environ) -> bytes | None:
    """Return the keys in a file, one a line, without white space around them; of the environment if there is no file.

    Empty lines are left out.

    Args:
        path: the file; None for the environment variable ``FORKRESIZE_CLUSTER_KEY``.
        environment: the environment's variables.

    Returns:
        The keys, with a line feed between them; None if none is configured.

    Raises:
        FieldError: the file cannot be read, or a key is too short.
    """
    if path is None:
        data = environment.get(KEY_VARIABLE, "").encode(errors="surrogateescape")
        if not data.strip():
            return None
    else:
        try:
            with open(path, "rb") as file:
                data = file.read(1 << 16)
        except OSError as error:
            raise FieldError("cluster_key", f"the key file '{path}' cannot be read: {describe(error)}") from error
    return _join_lines(data)


def _join_lines(data: bytes) -> bytes:
    whole = data.strip()
    lines = [(number, line.strip()) for number, line in enumerate(data.split(b"\n"), 1)]
    keys = [(number, line) for number, line in lines if line]
    if not keys or _split(whole) == [whole]:
        keys = [(1, whole)]
    for number, key in keys:
        if len(key) < MIN_KEY_BYTES:
            which = "the key" if len(keys) == 1 else f"the key on line {number}"
            problem = f"{which} has {len(key)} bytes, at least {MIN_KEY_BYTES} are needed"
            raise FieldError("cluster_key", f"{problem}; create one with: openssl rand -hex 32")
    return b"\n".join(key for _, key in keys)
