"""Requests that are repeated after errors that may pass."""

import errno
import logging
import os
import random
import time
from collections.abc import Callable
from typing import TypeVar

from forkresize.store.info import ChangedError
from forkresize.store.objects.errors import is_transient
from forkresize.store.objects.options import StoreOptions
from forkresize.urls import redact

T = TypeVar("T")

_MAX_DELAY = 15.0

_PATIENCE = 3.0
"""Seconds after which it is mentioned that a request is repeated."""

_SILENCE = 30.0
"""Seconds until it is mentioned again, for any request."""

_LOG = logging.getLogger("forkresize.store")


class Retry:
    """Repeats requests with a growing, random delay.

    Args:
        options: how often, and for how long.
        sleep: waits for a number of seconds.
    """

    def __init__(self, options: StoreOptions, sleep: Callable[[float], object] = time.sleep) -> None:
        self._options = options
        self._sleep = sleep
        self._mentioned_at = -_SILENCE
        self._process = os.getpid()

    def call(self, request: Callable[[int], T], location: str, *, once: bool = False) -> T:
        """Return the result of a request.

        Args:
            request: gets the number of earlier attempts.
            location: what it is about, for errors.
            once: whether it is not repeated.

        Raises:
            OSError: the last attempt's, with the location.
            RuntimeError: this process was forked after the store was opened; its connections would hang.
        """
        if os.getpid() != self._process:
            raise RuntimeError("object stores cannot be used in a forked process")
        started = time.monotonic()
        attempt = 0
        while True:
            try:
                return request(attempt)
            except OSError as error:
                delay = self._delay(attempt)
                elapsed = time.monotonic() - started
                attempt += 1
                if once or not self._is_repeated(error, attempt, elapsed + delay):
                    raise _complete(error, location, attempt if is_transient(error) else 1) from None
                failure = error.strerror
            self._mention(failure, location, elapsed + delay)
            self._sleep(delay)

    def _mention(self, failure: str | None, location: str, seconds: float) -> None:
        """Log that a request is repeated, if that takes long, and was not mentioned a moment ago."""
        now = time.monotonic()
        if seconds >= _PATIENCE and now - self._mentioned_at >= _SILENCE:
            self._mentioned_at = now
            limit = self._options.retry_timeout
            _LOG.warning("waiting for %s, for %.0f s at most: %s", redact(location), limit, failure)

    def _delay(self, attempt: int) -> float:
        longest = min(_MAX_DELAY, self._options.first_delay * float(2**attempt))
        return longest * random.uniform(0.5, 1)  # noqa: S311 -- it spreads requests.

    def _is_repeated(self, error: OSError, attempt: int, elapsed: float) -> bool:
        return is_transient(error) and attempt <= self._options.retries and elapsed <= self._options.retry_timeout


def _complete(error: OSError, location: str, attempts: int) -> OSError:
    """Return the error with the location and the number of attempts."""
    if error.errno == errno.ESTALE:
        return ChangedError(location)
    if error.filename is not None:
        return error
    text = f"{error.strerror}; tried {attempts} times" if attempts > 1 else f"{error.strerror}"
    return OSError(error.errno, text, location)
