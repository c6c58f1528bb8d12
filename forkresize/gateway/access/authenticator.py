"""From the headers of a request to who sends it: Authenticator."""

from collections.abc import Iterable
from http import HTTPStatus

from forkresize.gateway.access.api_keys import PREFIX, ApiKeys
from forkresize.gateway.access.principal import ANONYMOUS, Principal
from forkresize.gateway.access.tokens import InvalidTokenError, Tokens
from forkresize.gateway.problem import Problem

Headers = Iterable[tuple[bytes, bytes]]

_SCHEME = "bearer"


class Authenticator:
    """Finds out who sends a request.

    Args:
        keys: the API keys; None if there are none.
        tokens: verifies tokens; None if none are accepted.
    """

    def __init__(self, keys: ApiKeys | None = None, tokens: Tokens | None = None) -> None:
        self._keys = keys
        self._tokens = tokens

    @property
    def is_keyless(self) -> bool:
        """Whether it accepts no credentials at all."""
        return self._keys is None and self._tokens is None

    async def authenticate(self, headers: Headers) -> Principal:
        """Return who sends a request: the owner of its ``Authorization: Bearer``; ANONYMOUS without one.

        Another scheme, such as one for the proxy in front, counts as none.

        Args:
            headers: of the request, with names in small letters.

        Raises:
            Problem: 401: the credentials are not valid. 400: there are several. 503: tokens cannot be verified now.
        """
        values = [value for name, value in headers if name == b"authorization"]
        if len(values) > 1:
            raise Problem(HTTPStatus.BAD_REQUEST, "several Authorization headers: send one", field="Authorization")
        scheme, _, credentials = (values[0] if values else b"").decode("latin-1").partition(" ")
        if scheme.lower() != _SCHEME:
            return ANONYMOUS
        return await self._identify(credentials.strip())

    async def _identify(self, credentials: str) -> Principal:
        if credentials.startswith(PREFIX):
            found = self._keys.find(credentials) if self._keys else None
            if found is None:
                raise require_credentials("the API key is unknown", is_invalid=True)
            return found
        if self._tokens is None:
            raise require_credentials("the credentials are not an API key of this gateway", is_invalid=True)
        try:
            return await self._tokens.verify(credentials)
        except InvalidTokenError as error:
            raise require_credentials(str(error), is_invalid=True) from error


def require_credentials(detail: str, *, is_invalid: bool = False) -> Problem:
    """Return that a request needs other credentials (RFC 6750).

    Args:
        detail: what is wrong.
        is_invalid: whether it has credentials that are not valid; otherwise it has none.
    """
    challenge = 'Bearer realm="forkresize"' + (', error="invalid_token"' if is_invalid else "")
    return Problem(HTTPStatus.UNAUTHORIZED, detail, headers={"www-authenticate": challenge})
