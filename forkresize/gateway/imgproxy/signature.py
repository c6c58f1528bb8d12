"""Signatures of URLs as imgproxy makes them: HMAC-SHA256 over a salt and the path that follows the signature.

See https://docs.imgproxy.net/usage/signing_url.
"""

import binascii
import hashlib
import hmac
import os
from base64 import urlsafe_b64encode
from collections.abc import Sequence

from msgspec import Struct

from forkresize.errors import FieldError, describe

PREFIX = "/i/"
"""What the paths of pictures begin with."""

UNSAFE = "unsafe"
"""The signature of URLs for gateways that check none."""

MAX_SIZE = hashlib.sha256().digest_size
"""Bytes of a whole signature."""

MIN_SIZE = 8
"""Bytes of the shortest signature, as a part of the whole; a shorter one can be guessed."""

_MIN_SECRET = 16
"""Bytes of a key; a shorter one can be guessed."""

_MAX_FILE = 1 << 16

_EXAMPLE = 'create a line with: echo "$(openssl rand -hex 32):$(openssl rand -hex 32)"'


class SigningKey(Struct, frozen=True, repr_omit_defaults=True):
    """A key with its salt. Its representation shows neither.

    Attributes:
        key: of the HMAC.
        salt: precedes the path.
    """

    key: bytes
    salt: bytes

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"

    def digest(self, path: bytes) -> bytes:
        """Return the whole signature of a path, 32 bytes."""
        return hmac.digest(self.key, self.salt + path, "sha256")


class Signer:
    """Signs URLs, and checks signatures.

    Args:
        keys: any of them is accepted; the first one signs. Without any, no signature is checked.
        size: bytes that are kept of a signature.
    """

    def __init__(self, keys: Sequence[SigningKey], size: int = MAX_SIZE) -> None:
        if not MIN_SIZE <= size <= MAX_SIZE:
            raise FieldError("signature_size", f"invalid value {size}: use {MIN_SIZE} to {MAX_SIZE}")
        self._keys = tuple(keys)
        self._size = size

    @property
    def is_unsigned(self) -> bool:
        """Whether no signature is checked."""
        return not self._keys

    def sign(self, path: str) -> str:
        """Return the signature of a path.

        Args:
            path: all that follows the signature in a URL, from the slash on, escaped as it is sent.
        """
        return self._encode(self._keys[0], path.encode()) if self._keys else UNSAFE

    def url(self, path: str) -> str:
        """Return the path of a URL with its signature; see ``sign``."""
        return f"{PREFIX}{self.sign(path)}{path}"

    def verifies(self, signature: str, path: bytes) -> bool:
        """Return whether a signature is one of a path, in a time that does not depend on the signature."""
        given = signature.encode(errors="replace")
        # All keys are tried, so that the time does not show which one it was.
        matches = [hmac.compare_digest(self._encode(key, path).encode(), given) for key in self._keys]
        return self.is_unsigned or any(matches)

    def _encode(self, key: SigningKey, path: bytes) -> str:
        return urlsafe_b64encode(key.digest(path)[: self._size]).rstrip(b"=").decode()


def load_keys(path: str) -> tuple[SigningKey, ...]:
    """Return the keys in a file: on each line, a key and its salt in hexadecimal, as in ``KEY:SALT``.

    Empty lines and lines that begin with ``#`` are ignored.

    Raises:
        FieldError: the file cannot be read, a line is malformed, a key is too short, or no line has one. The message
            names the line, and never what is in it.
    """
    try:
        with open(path, "rb") as file:
            content = file.read(_MAX_FILE + 1)
    except OSError as error:
        raise FieldError("key_file", f"{os.fspath(path)!r} cannot be read: {describe(error)}") from error
    if len(content) > _MAX_FILE:
        raise FieldError("key_file", f"{path!r} has more than {_MAX_FILE} bytes")
    lines = [(number, line.strip()) for number, line in enumerate(content.splitlines(), 1)]
    keys = tuple(
        _parse_line(line, f"{path!r}, line {number}") for number, line in lines if line and not line.startswith(b"#")
    )
    if not keys:
        raise FieldError("key_file", f"{path!r} holds no key; {_EXAMPLE}")
    return keys


def _parse_line(line: bytes, place: str) -> SigningKey:
    parts = line.split(b":")
    if len(parts) != len(("key", "salt")):
        raise FieldError("key_file", f"{place}: use KEY:SALT, both in hexadecimal; {_EXAMPLE}")
    key, salt = (_parse_hex(part, place, name) for name, part in zip(("key", "salt"), parts, strict=True))
    if len(key) < _MIN_SECRET:
        raise FieldError("key_file", f"{place}: the key has {len(key)} bytes, at least {_MIN_SECRET} are needed")
    return SigningKey(key, salt)


def _parse_hex(text: bytes, place: str, name: str) -> bytes:
    try:
        return binascii.unhexlify(text)
    except ValueError:
        # Its own message may show a part of the secret.
        raise FieldError("key_file", f"{place}: the {name} is not in hexadecimal, with two digits a byte") from None
