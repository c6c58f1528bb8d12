"""Guards before routes: who gets through, with which headers, for every row of the table and every role."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.types import ASGIApp

from forkresize.gateway.access.api_keys import ApiKeys, CreatedKey, create_key
from forkresize.gateway.access.authenticator import Authenticator
from forkresize.gateway.access.counters import Counters
from forkresize.gateway.access.guard import Access, guard_routes
from forkresize.gateway.access.principal import ROLES, Role
from forkresize.gateway.access.rate_limits import RateLimits, parse_rate
from forkresize.gateway.access.table import TABLE, Row, find_row
from forkresize.gateway.problem import Problem, respond_to_problem

KEYS: dict[Role, CreatedKey] = {role: create_key(name, name) for name, role in ROLES.items()}


class Client:
    """Sends requests to an application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(self._app), base_url="http://gateway") as client:
                return await client.request(method, url, **options)

        return asyncio.run(send())

    def get(self, url: str, **options: Any) -> httpx.Response:
        return self.request("GET", url, **options)


async def answer(request: Request) -> Response:
    principal = request.state.principal
    return JSONResponse({"name": principal.name, "role": principal.role.label})


def create_client(keys: Path, *, is_unsigned: bool = False, rate: str | None = None) -> Client:
    """Return a client of an application with all routes of the table, and some that have no row."""
    keys.write_text("".join(f"{key.line}\n" for key in KEYS.values()))
    limits = RateLimits(rate and parse_rate("rate_limit", rate), None, Counters())  # type: ignore[arg-type]
    access = Access(Authenticator(ApiKeys(str(keys))), limits, is_unsigned=is_unsigned)
    routes = [Route(row.path, answer, methods=[row.method]) for row in TABLE]
    routes += [Route("/secret", answer, methods=["GET", "POST"]), Route("/livez", answer, methods=["POST"])]
    below = Mount("/v1", routes=[Route("/hidden", answer)])
    guarded = guard_routes([*routes, below], access)
    return Client(Starlette(routes=guarded, exception_handlers={Problem: respond_to_problem}))


@pytest.fixture
def client(tmp_path: Path) -> Client:
    return create_client(tmp_path / "keys")


def credentials(role: Role) -> dict[str, str]:
    return {"authorization": f"Bearer {KEYS[role].key}"} if role else {}


def url_of(row: Row) -> str:
    return row.path.replace("{path:path}", "a/b").replace("{", "").replace("}", "")


@pytest.mark.parametrize("role", Role, ids=lambda role: role.label)
@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.method} {row.path}")
@pytest.mark.parametrize("is_unsigned", [False, True])
def test_each_role_gets_exactly_what_its_rows_allow(tmp_path: Path, row: Row, role: Role, is_unsigned: bool) -> None:
    client = create_client(tmp_path / "keys", is_unsigned=is_unsigned)
    response = client.request(row.method, url_of(row), headers=credentials(role))
    needed = row.role_for(is_unsigned=is_unsigned)
    if role >= needed:
        assert response.status_code == 200
        assert response.json()["role"] == (role.label if row.limited else "anonymous")
    elif role is Role.ANONYMOUS:
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == 'Bearer realm="forkresize"'
        assert needed.label in response.json()["detail"]
    else:
        assert response.status_code == 403
        assert (
            response.json()["detail"]
            == f"this needs the role {needed.label!r}, and 'key:{role.label}' has {role.label!r}"
        )


@pytest.mark.parametrize(
    ("method", "url"), [("GET", "/secret"), ("POST", "/secret"), ("POST", "/livez"), ("GET", "/v1/hidden")]
)
def test_a_route_without_a_row_is_refused_to_everybody(client: Client, method: str, url: str) -> None:
    for role in Role:
        response = client.request(method, url, headers=credentials(role))
        assert response.status_code == 403
        assert "no role may use" in response.json()["detail"]


@pytest.mark.parametrize("row", [row for row in TABLE if row.keyless], ids=lambda row: f"{row.method} {row.path}")
def test_a_gateway_without_keys_does_what_writes_under_its_own_name_alone(row: Row) -> None:
    for is_unsigned in (False, True):
        access = Access(Authenticator(), RateLimits(None, None, Counters()), is_unsigned=is_unsigned)
        routes = guard_routes([Route(row.path, answer, methods=[row.method])], access)
        client = Client(Starlette(routes=routes, exception_handlers={Problem: respond_to_problem}))
        for host, status in (("127.0.0.1:8080", 200), ("localhost", 200), ("evil.example", 421)):
            response = client.request(row.method, url_of(row), headers={"host": host})
            assert response.status_code == (status if is_unsigned else 401)


def test_head_needs_what_get_needs(client: Client) -> None:
    assert client.request("HEAD", "/v1/runs").status_code == 401
    assert client.request("HEAD", "/v1/runs", headers=credentials(Role.READER)).status_code == 200
    assert find_row("HEAD", "/v1/transform") is None


@pytest.mark.parametrize(
    "value",
    ["Bearer forkresize_wrong", "Bearer abc.def.ghi", "bearer x", "Bearer ", "Bearer", "Bearer \u00ff"],
)
def test_invalid_credentials_are_refused_also_where_none_are_needed(client: Client, value: str) -> None:
    for url in ("/v1/runs", "/docs"):
        response = client.get(url, headers={"authorization": value.encode("latin-1")})
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == 'Bearer realm="forkresize", error="invalid_token"'
        assert value.partition(" ")[2].strip() in ("", "x") or value.partition(" ")[2] not in response.text
    assert client.get("/livez", headers={"authorization": value.encode("latin-1")}).status_code == 200


def test_credentials_for_a_proxy_in_front_count_as_none(client: Client) -> None:
    assert client.get("/docs", headers={"authorization": "Basic eDp5"}).status_code == 200
    assert client.get("/v1/runs", headers={"authorization": "Basic eDp5"}).status_code == 401


def test_several_credentials_are_refused(client: Client) -> None:
    admin = credentials(Role.ADMIN)["authorization"]
    response = client.get("/v1/runs", headers=[("authorization", admin), ("authorization", "Bearer x")])
    assert (response.status_code, response.json()["field"]) == (400, "Authorization")


def test_a_key_is_not_accepted_in_the_query(client: Client) -> None:
    assert client.get("/v1/runs", params={"key": KEYS[Role.ADMIN].key}).status_code == 401


def test_requests_are_limited_with_headers_except_for_health(tmp_path: Path) -> None:
    client = create_client(tmp_path / "keys", rate="3/day")
    web = credentials(Role.READER)
    statuses = [client.get("/v1/runs", headers=web) for _ in range(4)]
    assert [each.status_code for each in statuses] == [200, 200, 200, 429]
    assert [each.headers["ratelimit"].split(";")[1] for each in statuses] == ["r=2", "r=1", "r=0", "r=0"]
    assert int(statuses[-1].headers["retry-after"]) > 0
    # Requests that are refused count, too, and guesses count for their address.
    assert client.request("POST", "/v1/transform", headers=credentials(Role.ADMIN)).status_code == 200
    guesses = [client.get("/docs", headers={"authorization": "Bearer guess"}) for _ in range(4)]
    assert [each.status_code for each in guesses] == [401, 401, 401, 429]
    assert "ratelimit" in guesses[0].headers
    assert client.get("/docs").status_code == 429
    assert [client.get("/livez", headers=web).status_code for _ in range(9)] == [200] * 9
    assert "ratelimit" not in client.get("/livez").headers


@pytest.mark.parametrize(
    "make", [lambda: WebSocketRoute("/ws", answer), lambda: Mount("/x", app=Starlette().router.not_found)]
)
def test_a_route_that_no_guard_can_stand_before_is_refused_at_the_start(
    tmp_path: Path, make: Callable[[], Mount | WebSocketRoute]
) -> None:
    access = Access(Authenticator(), RateLimits(None, None, Counters()), is_unsigned=True)
    with pytest.raises(TypeError, match="cannot be guarded"):
        guard_routes([make()], access)
