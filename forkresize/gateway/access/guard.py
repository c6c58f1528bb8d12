"""What stands between a route and its callers: their role, and how often they call."""

from collections.abc import Iterable
from http import HTTPStatus

from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from forkresize.gateway.access.authenticator import Authenticator, require_credentials
from forkresize.gateway.access.hosts import OwnHosts
from forkresize.gateway.access.principal import ANONYMOUS, Principal, Role
from forkresize.gateway.access.rate_limits import RateLimits
from forkresize.gateway.access.table import Row, find_row
from forkresize.gateway.observation import note_principal, note_route
from forkresize.gateway.problem import Problem


class Access:
    """Who may use which route.

    Args:
        authenticator: finds out who sends a request.
        limits: how many requests each may send.
        is_unsigned: whether everybody may have every picture.
        public_url: where clients reach the gateway; empty for none.
    """

    def __init__(
        self, authenticator: Authenticator, limits: RateLimits, *, is_unsigned: bool, public_url: str = ""
    ) -> None:
        self._authenticator = authenticator
        self._limits = limits
        self._is_unsigned = is_unsigned
        self._hosts = OwnHosts(public_url)

    @property
    def is_keyless(self) -> bool:
        """Whether no caller can have a role, since neither API keys nor tokens are accepted."""
        return self._authenticator.is_keyless

    def role_of(self, method: str, path: str) -> str | None:
        """Return the name of the lowest role that may use a route; None if everybody may.

        Args:
            method: of HTTP.
            path: the template of the route.
        """
        row = find_row(method, path)
        role = Role.ADMIN if row is None else self._role_for(row)
        return role.label if role else None

    async def admit(self, row: Row, scope: Scope) -> dict[str, str]:
        """Let a request pass, with its principal in the scope's state.

        Args:
            row: of the table, for its route.
            scope: of the request.

        Returns:
            Headers of the response.

        Raises:
            Problem: 400, 401, 403, 421, 429 or 503: it may not pass.
        """
        scope.setdefault("state", {})["principal"] = ANONYMOUS
        if not row.limited:
            return {}
        address = scope["client"][0] if scope.get("client") else ""
        principal = await self._identify(scope, address)
        scope["state"]["principal"] = principal
        note_principal(principal.name)
        headers = await self._limits.count(principal, address)
        role = self._role_for(row)
        if not principal.may(role):
            raise self._refuse(principal, role, headers)
        if role < row.role and row.keyless:
            self._check_host(scope)
        return headers

    async def close(self) -> None:
        """Close the connections to where requests are counted."""
        await self._limits.close()

    def _refuse(self, principal: Principal, role: Role, headers: dict[str, str]) -> Problem:
        if principal is ANONYMOUS:
            hint = "; this gateway was started without either" if self.is_keyless else ""
            problem = require_credentials(f"this needs an API key or a token with the role {role.label!r}{hint}")
            problem.headers |= headers
            return problem
        detail = f"this needs the role {role.label!r}, and {principal.name!r} has {principal.role.label!r}"
        return Problem(HTTPStatus.FORBIDDEN, detail, headers=headers)

    def _check_host(self, scope: Scope) -> None:
        host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
        if not self._hosts.contains(host):
            text = f"{host!r} is not a name of this gateway: use its address, localhost, or the host of its public URL"
            raise Problem(HTTPStatus.MISDIRECTED_REQUEST, text, field="Host")

    def _role_for(self, row: Row) -> Role:
        return row.role_for(is_unsigned=self._is_unsigned, is_keyless=self.is_keyless)

    async def _identify(self, scope: Scope, address: str) -> Principal:
        try:
            return await self._authenticator.authenticate(scope["headers"])
        except Problem as problem:
            # Guesses are counted, too.
            problem.headers |= await self._limits.count(ANONYMOUS, address)
            raise


class Guard:
    """The application of a route that callers reach only through its row of the table.

    Args:
        app: the route's own application.
        path: the template of the route.
        access: decides.
    """

    def __init__(self, app: ASGIApp, path: str, access: Access) -> None:
        self._app = app
        self._path = path
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request.

        Raises:
            Problem: it may not pass.
        """
        note_route(self._path)
        row = find_row(scope["method"], self._path)
        if row is None:
            raise Problem(HTTPStatus.FORBIDDEN, f"no role may use {scope['method']} {self._path}")
        headers = [(name.encode(), text.encode()) for name, text in (await self._access.admit(row, scope)).items()]

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *headers]
            await send(message)

        await self._app(scope, receive, send_with_headers if headers else send)


def guard_routes(routes: Iterable[BaseRoute], access: Access) -> list[BaseRoute]:
    """Put a guard before the application of each route, also of those below mounts; return the routes.

    Raises:
        TypeError: a route is of a kind that no guard can stand before.
    """
    found = list(routes)
    _guard(found, "", access)
    return found


def _guard(routes: Iterable[BaseRoute], prefix: str, access: Access) -> None:
    for route in routes:
        if isinstance(route, Route):
            route.app = Guard(route.app, prefix + route.path, access)
        elif isinstance(route, Mount) and route.routes:
            _guard(route.routes, prefix + route.path, access)
        else:
            raise TypeError(f"{route!r} cannot be guarded: use a Route, or a Mount of routes")
