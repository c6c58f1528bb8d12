"""The public keys of those who issue tokens: JSON Web Key Sets, from a file or a URL."""

import asyncio
import json
import logging
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Protocol
from urllib.parse import urlsplit

from jwt import PyJWK, PyJWKSet
from jwt.exceptions import PyJWTError

from forkresize.errors import FieldError
from forkresize.gateway.access.fetch import fetch
from forkresize.gateway.access.key_file import KeyFile
from forkresize.gateway.problem import Problem
from forkresize.urls import redact

_LOG = logging.getLogger(__name__)

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Asymmetric ones only: with a symmetric one, a public key would be a secret that everybody knows."""

_FETCH_SECONDS = 5.0
_MAX_SIZE = 1 << 20
_MAX_AGE = 600.0
"""Seconds after which keys are fetched again, so that a key that was withdrawn loses its effect."""

_LATE_AGE = 2 * _MAX_AGE
"""Seconds after which a caller waits for the keys to be fetched: no caller came when they were due."""

_STALE_AGE = 86_400.0
"""Seconds for which keys are used while their URL fails."""

_COOLDOWN = 60.0
"""Seconds between two fetches because of an unknown key, or after a failure."""

Keys = dict[str, PyJWK]


class KeySource(Protocol):
    """Where the keys are."""

    async def find(self, key_id: str) -> PyJWK | None:
        """Return a key; None if it is unknown.

        Raises:
            Problem: 503: there are no keys, since they cannot be fetched.
        """


def open_key_source(place: str) -> KeySource:
    """Return the keys of a file, or of an ``http:`` or ``https:`` URL.

    Raises:
        FieldError: the file cannot be read, has no usable key, or the URL is invalid.
    """
    if "://" not in place:
        return KeySetFile(place)
    parts = urlsplit(place)
    is_local = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    if not parts.hostname or (parts.scheme != "https" and not (parts.scheme == "http" and is_local)):
        hint = "use https://, http:// for this machine only, or a file"
        raise FieldError("jwks", f"invalid URL '{redact(place)}': {hint}")
    if "@" in parts.netloc:
        raise FieldError("jwks", f"invalid URL '{redact(place)}': public keys need no user and no password")
    return KeySetUrl(place)


class KeySetFile:
    """The keys in a file, which is read again when it has changed. See ``KeyFile``.

    Args:
        path: of the file.
        clock: returns seconds, as ``time.monotonic`` does.

    Raises:
        FieldError: the file cannot be read, or has no usable key.
    """

    def __init__(self, path: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._file = KeyFile(path, lambda data: (parse_keys(data), ()), "jwks", clock)

    async def find(self, key_id: str) -> PyJWK | None:
        """Return a key; None if it is unknown. If the file has become unusable, no key is known."""
        return (self._file.content() or {}).get(key_id)


class KeySetUrl:
    """The keys at a URL, fetched in a thread, kept for ten minutes, and fetched again for a key that is unknown.

    Args:
        url: of the set.
        clock: returns seconds, as ``time.monotonic`` does.
    """

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._clock = clock
        self._keys: Keys = {}
        self._fetched = self._tried = float("-inf")
        self._fetch: asyncio.Task[None] | None = None

    async def find(self, key_id: str) -> PyJWK | None:
        """Return a key; None if it is unknown.

        Raises:
            Problem: 503: there are no keys, since they cannot be fetched.
        """
        if key_id not in self._keys or self._age > _LATE_AGE:
            await self._refresh()
        elif self._age > _MAX_AGE and self._may_fetch():
            # This caller does not wait.
            self._start_fetch()
        if self._age > _STALE_AGE:
            status = HTTPStatus.SERVICE_UNAVAILABLE
            raise Problem(status, "tokens cannot be verified: their keys cannot be fetched", retry_after=_COOLDOWN)
        return self._keys.get(key_id)

    @property
    def _age(self) -> float:
        return self._clock() - self._fetched

    def _may_fetch(self) -> bool:
        return self._clock() - self._tried >= _COOLDOWN

    async def _refresh(self) -> None:
        """Wait for the fetch that runs, or for a new one if there may be one."""
        if self._fetch is not None or self._may_fetch():
            # A caller that goes away must not end the fetch of others.
            await asyncio.shield(self._start_fetch())

    def _start_fetch(self) -> "asyncio.Task[None]":
        if self._fetch is None:
            self._tried = self._clock()
            self._fetch = asyncio.create_task(self._fetch_keys())
        return self._fetch

    async def _fetch_keys(self) -> None:
        try:
            # No caller waits longer, not even for the look-up of the name.
            async with asyncio.timeout(_FETCH_SECONDS):
                data = await asyncio.to_thread(fetch, self._url, _FETCH_SECONDS, _MAX_SIZE)
            self._keys, self._fetched = parse_keys(data), self._clock()
        except (OSError, ValueError) as error:
            text = str(error) or f"no answer within {_FETCH_SECONDS:g} s"
            _LOG.warning("the keys of tokens cannot be fetched from %s: %s", redact(self._url), text)
        finally:
            self._fetch = None


def parse_keys(data: bytes) -> Keys:
    """Return the usable keys of a set, by their ids.

    Raises:
        ValueError: it is not a set, or has no usable key.
    """
    try:
        return _select_keys(json.loads(data))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except TypeError as error:
        # Members of other types than the standard's, such as a list as 'kid'.
        raise ValueError(f"not a JSON Web Key Set: {error}") from error


def _select_keys(found: object) -> Keys:
    if not isinstance(found, dict):
        raise ValueError("not a JSON Web Key Set: it is not an object")  # noqa: TRY004  # It is data, not an argument.
    try:
        keys = PyJWKSet.from_dict(found).keys
    except PyJWTError as error:
        raise ValueError(f"not a JSON Web Key Set: {error}") from error
    usable = {
        key.key_id: key
        for key in keys
        if key.key_id and key.public_key_use in {"sig", None} and key.algorithm_name in ALGORITHMS
    }
    if not usable:
        raise ValueError(f"no key has a 'kid' and one of the algorithms {', '.join(ALGORITHMS)}")
    return usable
