"""Signatures with a key that all members of a cluster share: HMAC-SHA256."""

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
        key: shared by all members.
        purpose: what the data is, such as ``message``; a signature for one purpose is invalid for another.
        data: what is signed.
    """
    return hmac.new(key, purpose.encode() + b"\0" + data, hashlib.sha256).hexdigest()


def verify(key: bytes, purpose: str, data: bytes, signature: str | None) -> bool:
    """Return whether a signature is the one of some data, in a time that does not depend on the signature."""
    # Bytes, since a text that is not ASCII cannot be compared.
    given = (signature or "").encode(errors="replace")
    return hmac.compare_digest(sign(key, purpose, data).encode(), given)


def load_key(path: str | None, environment: Mapping[str, str] = os.environ) -> bytes | None:
    """Return the key in a file, without white space around it; that of the environment if there is no file.

    Args:
        path: the file; None for the environment variable ``FORKRESIZE_CLUSTER_KEY``.
        environment: the environment's variables.

    Returns:
        The key; None if none is configured.

    Raises:
        FieldError: the file cannot be read, or the key is too short.
    """
    if path is None:
        key = environment.get(KEY_VARIABLE, "").encode(errors="surrogateescape").strip()
        if not key:
            return None
    else:
        try:
            with open(path, "rb") as file:
                key = file.read(1 << 16).strip()
        except OSError as error:
            raise FieldError("cluster_key", f"the key file '{path}' cannot be read: {describe(error)}") from error
    if len(key) < MIN_KEY_BYTES:
        hint = "create one with: openssl rand -hex 32"
        raise FieldError("cluster_key", f"the key has {len(key)} bytes, at least {MIN_KEY_BYTES} are needed; {hint}")
    return key
