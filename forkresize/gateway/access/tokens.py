"""Tokens (JWT) of callers: verified, and their roles."""

from typing import Any

import jwt
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from forkresize.gateway.access.jwks import ALGORITHMS, KeySource
from forkresize.gateway.access.principal import ROLES, Principal, Role

_LEEWAY = 10
"""Seconds by which clocks may differ."""

_MAX_LENGTH = 8192
_MAX_NAME = 128


class InvalidTokenError(Exception):
    """A token is not valid. Its text says why, without the token."""


class Tokens:
    """Verifies tokens.

    Args:
        keys: of the issuer.
        issuer: the value that ``iss`` must have.
        audience: the value that ``aud`` must be, or contain.
    """

    def __init__(self, keys: KeySource, issuer: str, audience: str) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience

    async def verify(self, token: str) -> Principal:
        """Return who has a token, with the highest role that its claim ``roles`` has.

        Raises:
            InvalidTokenError: it is malformed, forged, expired, or for another audience.
            Problem: 503: there are no keys to verify it with.
        """
        if len(token) > _MAX_LENGTH:
            raise InvalidTokenError("the token is too long")
        return _principal(self._decode(token, await self._find_key(token)))

    async def _find_key(self, token: str) -> PyJWK:
        try:
            header = jwt.get_unverified_header(token)
        except PyJWTError as error:
            raise InvalidTokenError("the token is malformed") from error
        # Looked at here too, so that no key is looked for, and none fetched, because of a token that cannot be valid.
        if header.get("alg") not in ALGORITHMS:
            raise InvalidTokenError("the token's algorithm is not accepted")
        key_id = header.get("kid")
        key = await self._keys.find(key_id) if isinstance(key_id, str) else None
        if key is None:
            raise InvalidTokenError("the token's key is unknown")
        return key

    def _decode(self, token: str, key: PyJWK) -> dict[str, Any]:
        try:
            return jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                audience=self._audience,
                issuer=self._issuer,
                leeway=_LEEWAY,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except PyJWTError as error:
            raise InvalidTokenError(f"the token is not valid: {error}") from error


def _principal(claims: dict[str, Any]) -> Principal:
    names = claims.get("roles", [])
    if isinstance(names, str):
        names = names.split()
    if not isinstance(names, list):
        raise InvalidTokenError("the token's claim 'roles' is not a list of names")
    if len(claims["sub"]) > _MAX_NAME:
        raise InvalidTokenError(f"the token's subject has more than {_MAX_NAME} characters")
    roles = [ROLES[name] for name in names if isinstance(name, str) and name in ROLES]
    return Principal(f"token:{claims['sub']}", max(roles, default=Role.ANONYMOUS))
