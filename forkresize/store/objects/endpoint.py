"""Which endpoints may be reached without encryption."""

import os
from urllib.parse import urlsplit

from forkresize.errors import FieldError
from forkresize.store.objects.options import StoreOptions
from forkresize.urls import redact

_LOOPBACK = frozenset({"localhost", "::1"})


def allows_http(endpoint: str, options: StoreOptions, variable: str) -> bool:
    """Return whether requests to an endpoint go without encryption.

    Args:
        endpoint: its URL; empty for the vendor's own.
        options: whether other machines than this one may be reached so.
        variable: the environment variable that permits the same.

    Raises:
        FieldError: they may not, and the endpoint is one.
    """
    parts = urlsplit(endpoint)
    if parts.scheme != "http":
        return False
    host = parts.hostname or ""
    if not (options.allow_http or is_set(variable)) and host not in _LOOPBACK and not _is_loopback(host):
        raise FieldError(
            "allow_http",
            f"{redact(endpoint)} is reached without encryption: use an https:// endpoint, or set {variable}=true",
        )
    return True


def is_set(variable: str) -> bool:
    """Return whether an environment variable says yes."""
    return os.environ.get(variable, "").lower() in {"1", "true", "yes", "on"}


def _is_loopback(host: str) -> bool:
    numbers = host.split(".")
    return len(numbers) == 4 and numbers[0] == "127" and all(each.isdecimal() for each in numbers)  # noqa: PLR2004 -- IPv4.
