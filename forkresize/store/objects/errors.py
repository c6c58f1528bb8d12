"""Errors of client libraries and answers of stores, as ``OSError`` without secrets.

The libraries' own texts are never shown: they hold URLs with signatures, and answers that repeat access keys.
"""

import errno
import os
import re

from forkresize.store.info import ObjectInfo, PutOptions

TRANSIENT = frozenset(
    {
        errno.EAGAIN,
        errno.EBUSY,
        errno.EIO,
        errno.ETIMEDOUT,
        errno.ECONNREFUSED,
        errno.ECONNRESET,
        errno.EHOSTUNREACH,
    }
)
"""Errors that may pass; the request is repeated."""

_BY_STATUS = {
    400: (errno.EINVAL, "the store refused the request"),
    401: (errno.EACCES, "access denied: check the credentials, and what they permit"),
    403: (errno.EACCES, "access denied: check the credentials, and what they permit"),
    404: (errno.ENOENT, "not found"),
    408: (errno.ETIMEDOUT, "the store waited too long for the request"),
    409: (errno.EEXIST, "it exists already"),
    411: (errno.EINVAL, "the store refused the request"),
    412: (errno.ESTALE, "it was changed by another program; run again"),
    413: (errno.EFBIG, "it is larger than the store accepts"),
    429: (errno.EBUSY, "the store asks for fewer requests: run again later, or with fewer workers"),
    501: (errno.EOPNOTSUPP, "the store does not support the request"),
    503: (errno.EBUSY, "the store asks for fewer requests: run again later, or with fewer workers"),
    507: (errno.ENOSPC, "the store is full"),
}

_BY_CODE = {
    "ConditionalRequestConflict": (errno.EAGAIN, "another request for the object is in progress"),
    "ExpiredToken": _BY_STATUS[403],
    "InvalidAccessKeyId": _BY_STATUS[403],
    "InvalidToken": _BY_STATUS[403],
    "KeyTooLongError": (errno.ENAMETOOLONG, "its key is longer than the store accepts"),
    "OperationAborted": (errno.EAGAIN, "another request for the object is in progress"),
    "NoSuchBucket": (errno.ENOENT, "the bucket does not exist: create it, or correct its name"),
    "ContainerNotFound": (errno.ENOENT, "the container does not exist: create it, or correct its name"),
    "PreconditionFailed": _BY_STATUS[412],
    "QuotaExceeded": (errno.EDQUOT, "the quota of the store is used up"),
    "RequestTimeTooSkewed": (errno.EACCES, "access denied: set the clock of this machine"),
    "RequestTimeout": _BY_STATUS[408],
    "SlowDown": _BY_STATUS[503],
}
"""Codes of S3 and Azure that say more than the status."""

_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>([A-Za-z]{1,60})</Code>")
_CERTIFICATE = re.compile(r"certificate|InvalidData|tls", re.IGNORECASE)


def error_from_status(status: int, code: str = "") -> OSError:
    """Return the error for an answer of a store.

    Args:
        status: of HTTP.
        code: the store's own name of the error, if it is a word.
    """
    number, text = _BY_CODE.get(code) or _BY_STATUS.get(status) or _by_class(status)
    details = f"{status} {code}" if code.isalpha() and len(code) <= 60 else f"{status}"  # noqa: PLR2004 -- no code is longer.
    return OSError(number, f"{text} ({details})")


def error_from_text(text: str) -> OSError:
    """Return the error for what obstore reports; no word of its text is shown but a code of the store."""
    if status := _STATUS.search(text):
        code = _CODE.search(text)
        return error_from_status(int(status[1]), code[1] if code else "")
    if "dns error" in text:
        return OSError(errno.EHOSTUNREACH, "the store's host name cannot be resolved: check the endpoint")
    if "ConnectionRefused" in text:
        return connection_refused()
    if "kind: Connect" in text and _CERTIFICATE.search(text):
        return not_secure()
    if "TimedOut" in text or "kind: Timeout" in text:
        return timed_out()
    if "builder error" in text:
        return OSError(errno.EPROTO, "the request was not sent: plain HTTP to another machine is not allowed")
    return connection_lost()


def not_secure() -> OSError:
    """Return the error for a TLS connection that could not be established."""
    return OSError(errno.EPROTO, "no secure connection to the store: check its certificate and the endpoint")


def connection_refused() -> OSError:
    """Return the error for a port without a server."""
    return OSError(errno.ECONNREFUSED, "the store refuses connections: check the endpoint, and that the store runs")


def connection_lost() -> OSError:
    """Return the error for an answer that ended early, or never began."""
    return OSError(errno.ECONNRESET, "the connection to the store was lost")


def timed_out() -> OSError:
    """Return the error for an answer that took too long."""
    return OSError(errno.ETIMEDOUT, "the store did not answer in time")


def change_error() -> OSError:
    """Return the error for an object that is not the expected one; ``retry`` makes it a ``ChangedError``."""
    return OSError(*_BY_STATUS[412])


def check_expected(found: ObjectInfo, expected: ObjectInfo | None) -> None:
    """Check that an answer is about the expected object.

    Raises:
        OSError: it is another object, or the same with a wrong length.
    """
    if expected is None or found.is_same(expected):
        return
    if found.etag and found.etag == expected.etag and found.size != expected.size:
        raise wrong_length(found.size, expected.size)
    raise change_error()


def failed_condition(error: OSError, options: PutOptions) -> OSError:
    """Return the error of a put, where a condition may be what failed."""
    if options.create and error.errno == errno.ESTALE:
        return FileExistsError(errno.EEXIST, "it exists already")
    if options.replaces is not None and error.errno == errno.ENOENT and "NoSuchBucket" not in str(error):
        return change_error()
    return error


def wrong_length(found: int, announced: int) -> OSError:
    """Return the error for a response of another size than announced."""
    return OSError(errno.EIO, f"the store sent {found} bytes in place of {announced}")


def is_transient(error: OSError) -> bool:
    """Return whether the same request may succeed later."""
    return error.errno in TRANSIENT


def _by_class(status: int) -> tuple[int, str]:
    if status >= 500:  # noqa: PLR2004 -- servers' errors.
        return errno.EIO, "the store failed"
    if 300 <= status < 400:  # noqa: PLR2004 -- redirections.
        return errno.EINVAL, "the bucket is in another region: set the region, for example AWS_REGION"
    return errno.EINVAL, f"the store refused the request: {os.strerror(errno.EINVAL)}"
