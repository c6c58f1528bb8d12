"""URLs of stores, and URLs of any kind without their secrets."""

import os
import re

from msgspec import Struct

from forkresize.errors import UsageError

STORE_SCHEMES = ("s3", "gs", "az", "file")
"""What ``parse_store_url`` accepts."""

_MASK = "***"

_START = r"[A-Za-z][A-Za-z0-9+.-]*://"
_BUCKET = r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}"
_HOST_OF_STORE = r"[A-Za-z0-9._-]*"
_PARAMETER = r"([?&;])([^=&;#]*)=([^&;#]*)"
_ASSIGNMENT = r"(?i)\b(\w*(?:pass|pwd|secret|token|key)\w*\s*=\s*)('(?:[^'\\]|\\.)*'|\S+)"

_HARMLESS = frozenset({"application_name", "connect_timeout", "dbname", "heartbeat", "host", "port", "sslmode"})
"""Parameters of a query whose values are shown; a value of any other may be a secret."""

_FILE = "file://"


class StoreUrl(Struct, frozen=True):
    """Where a store is.

    Attributes:
        scheme: one of ``STORE_SCHEMES``.
        bucket: the bucket or container; empty for ``file``.
        prefix: what the keys start with, without the slash that follows; for ``file``, the absolute path.
    """

    scheme: str
    bucket: str
    prefix: str

    def __str__(self) -> str:
        if self.scheme == "file":
            return file_url(self.prefix)
        return f"{self.scheme}://{self.bucket}/{self.prefix}".rstrip("/")

    @property
    def name(self) -> str:
        """The part after the last slash; empty for a whole bucket."""
        return self.prefix.rpartition("/")[2]

    @property
    def parent(self) -> "StoreUrl":
        """The URL without its name."""
        above = self.prefix.rpartition("/")[0]
        return StoreUrl(self.scheme, self.bucket, above or ("/" if self.scheme == "file" else ""))


def file_url(path: str) -> str:
    """Return the URL of an absolute path."""
    # It takes a hundredth of the start of the command to load, and paths need none of it.
    from urllib.parse import quote_from_bytes

    return f"file://{quote_from_bytes(os.fsencode(path))}"


def local_path(location: str) -> str:
    """Return the path that a ``file`` URL stands for, and anything else as it is.

    Raises:
        UsageError: a ``file`` URL is invalid.
    """
    return parse_store_url(location).prefix if location[: len(_FILE)].lower() == _FILE else location


def is_url(text: str) -> bool:
    """Return whether a text starts as a URL does, with a scheme and ``://``."""
    return re.match(_START, text) is not None


def is_store_url(text: str) -> bool:
    """Return whether a text starts as the URL of a store does."""
    return is_url(text) and text.partition("://")[0].lower() in STORE_SCHEMES


def parse_store_url(text: str) -> StoreUrl:
    """Return where a store is.

    The part after the bucket is taken literally, as by the vendors' own tools: ``%20`` is three characters. Only
    ``file`` URLs are percent-decoded.

    Raises:
        UsageError: it is not the URL of a store.
    """
    scheme, _, rest = text.partition("://")
    scheme = scheme.lower()
    if not is_url(text) or scheme not in STORE_SCHEMES:
        accepted = ", ".join(f"{each}://" for each in STORE_SCHEMES)
        raise UsageError(f"invalid URL {redact(text)!r}: use a path, or a URL that starts with {accepted}")
    return _parse_file(rest, text) if scheme == "file" else _parse_bucket(scheme, rest, text)


def redact(url: str) -> str:
    """Return a URL as it may be shown: without user, password, and values of its query that may be secrets.

    It accepts any text. What is not clearly harmless is replaced by ``***``.
    """
    start = re.match(_START, url)
    if not start:
        return re.sub(_ASSIGNMENT, rf"\1{_MASK}", url)
    scheme, rest = url[: start.end()], url[start.end() :]
    host = rest.partition("/")[0]
    # A bucket has no port: what follows a colon may be a password of digits.
    if scheme[:-3].lower() in STORE_SCHEMES and re.fullmatch(_HOST_OF_STORE, host):
        # Objects may have names such as "a@2x.png".
        return scheme + _redact_query(rest)
    before, at, after = rest.rpartition("@")
    if "?" in before:
        # Either the password has a question mark, or the query has an at sign.
        return scheme + _MASK
    return scheme + (_MASK + at if at else "") + _redact_query(after)


def _redact_query(text: str) -> str:
    before, mark, query = text.partition("?")
    return before + re.sub(_PARAMETER, _redact_parameter, mark + query)


def _redact_parameter(match: re.Match[str]) -> str:
    separator, name, value = match.groups()
    return f"{separator}{name}={value if name.lower() in _HARMLESS else _MASK}"


def _parse_file(rest: str, text: str) -> StoreUrl:
    from urllib.parse import unquote_to_bytes

    host, slash, path = rest.partition("/")
    decoded = os.fsdecode(unquote_to_bytes(slash + path))
    if host not in {"", "localhost"} or not slash or "\0" in decoded:
        raise UsageError(f"invalid URL {redact(text)!r}: a file URL has an absolute path, for example file:///srv/in")
    return StoreUrl("file", "", decoded.rstrip("/") or "/")


def _bucket_advice(name: str) -> str:
    characters = "letters, digits, '.', '-' and '_'"
    return f"the name of a bucket is two or more {characters}" if name else "name a bucket"


def _parse_bucket(scheme: str, rest: str, text: str) -> StoreUrl:
    bucket, _, prefix = rest.partition("/")
    if "@" in bucket or ":" in bucket:
        raise UsageError(
            f"invalid URL {redact(text)!r}: credentials, hosts and ports are set by the vendor's environment "
            "variables, for example AWS_ACCESS_KEY_ID and AWS_ENDPOINT_URL"
        )
    if not re.fullmatch(_BUCKET, bucket):
        raise UsageError(f"invalid URL {redact(text)!r}: {_bucket_advice(bucket)}, for example {scheme}://photos/in")
    prefix = prefix.strip("/")
    if prefix and not {"", ".", ".."}.isdisjoint(prefix.split("/")):
        raise UsageError(f"invalid URL {redact(text)!r}: no part of its path may be empty, '.' or '..'")
    return StoreUrl(scheme, bucket, prefix)
