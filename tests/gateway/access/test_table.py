"""The table of roles: complete, documented, and true of a gateway that runs."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.routing import BaseRoute, Mount, Route

from forkresize.gateway.access.api_keys import CreatedKey, create_key
from forkresize.gateway.access.principal import ROLES, Role
from forkresize.gateway.access.settings import AccessSettings
from forkresize.gateway.access.table import TABLE, Row, find_row, format_table
from forkresize.gateway.app import collect_routes
from forkresize.gateway.runs.places import Places
from forkresize.gateway.runs.settings import RunsSettings
from forkresize.gateway.services import Services
from forkresize.gateway.settings import GatewaySettings
from tests.gateway.access.issuer import AUDIENCE, ISSUER, Issuer
from tests.gateway.conftest import Gateway, run_gateway

KEYS: dict[Role, CreatedKey] = {role: create_key(name, name) for name, role in ROLES.items()}
ISSUED = Issuer()


def find_endpoints(routes: list[BaseRoute], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield method and template of each route, also of those below mounts."""
    for route in routes:
        if isinstance(route, Mount):
            yield from find_endpoints(list(route.routes), prefix + route.path)
        else:
            assert isinstance(route, Route)
            for method in route.methods or ():
                yield method, prefix + route.path


@pytest.fixture(scope="module")
def endpoints(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[set[tuple[str, str]]]:
    runs = RunsSettings(
        places=Places({"photos": str(photos)}, {"web": str(tmp_path_factory.mktemp("web"))}),
        state_dir=str(tmp_path_factory.mktemp("state")),
    )
    services = Services(GatewaySettings(roots={"photos": str(photos)}, unsigned=True, runs=runs))
    yield set(find_endpoints(collect_routes(services)))
    asyncio.run(services.close())


def test_every_route_has_a_row(endpoints: set[tuple[str, str]]) -> None:
    assert [endpoint for endpoint in endpoints if find_row(*endpoint) is None] == []


def test_everybody_may_start_batches_only_where_there_are_no_credentials() -> None:
    row = find_row("POST", "/v1/runs")
    assert row is not None
    given = {
        (is_unsigned, is_keyless): row.role_for(is_unsigned=is_unsigned, is_keyless=is_keyless)
        for is_unsigned in (False, True)
        for is_keyless in (False, True)
    }
    assert [pair for pair, role in given.items() if role is not Role.SUBMITTER] == [(True, True)]


def test_no_route_has_two_rows() -> None:
    assert len({(row.method, row.path) for row in TABLE}) == len(TABLE)


def test_the_documentation_has_the_table() -> None:
    page = Path(__file__).parents[3] / "docs/reference/gateway-access.md"
    assert format_table() in page.read_text()


@pytest.fixture(scope="module", params=[False, True], ids=["signed", "unsigned"])
def running(
    request: pytest.FixtureRequest, photos: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Gateway, bool]]:
    folder = tmp_path_factory.mktemp("access")
    (folder / "keys").write_text("".join(f"{key.line}\n" for key in KEYS.values()))
    (folder / "jwks.json").write_bytes(ISSUED.jwks())
    options = ["--api-keys", str(folder / "keys"), "--jwks", str(folder / "jwks.json")]
    options += ["--destination", f"web={folder}/web", "--state-dir", f"{folder}/state"]
    options += ["--jwt-issuer", ISSUER, "--jwt-audience", AUDIENCE, "--workers", "1", "--root", f"photos={photos}"]
    (folder / "signing").write_text(f"{'6b' * 32}:{'73' * 32}\n")
    with run_gateway(
        *options, *(["--unsigned"] if request.param else ["--key-file", str(folder / "signing")])
    ) as gateway:
        yield gateway, request.param


def credentials(role: Role) -> Iterator[dict[str, str]]:
    """Yield headers of callers with a role: with a key, and with a token."""
    if role:
        yield {"authorization": f"Bearer {KEYS[role].key}"}
        yield {"authorization": f"Bearer {ISSUED.sign('ec', roles=[role.label])}"}
    else:
        yield {}


def url_of(row: Row) -> str:
    return row.path.replace("{path:path}", "a/b").replace("{", "").replace("}", "")


@pytest.mark.slow
@pytest.mark.parametrize("row", [row for row in TABLE if not row.signed], ids=lambda row: f"{row.method} {row.path}")
def test_each_role_gets_through_exactly_where_its_row_says(
    running: tuple[Gateway, bool], endpoints: set[tuple[str, str]], row: Row
) -> None:
    gateway, is_unsigned = running
    if (row.method, row.path) not in endpoints:
        pytest.skip("this gateway has no such route")
    needed = row.role_for(is_unsigned=is_unsigned)
    for role in Role:
        for headers in credentials(role):
            with gateway.client.stream(row.method, url_of(row), headers=headers) as response:
                expected = None if role >= needed else 403 if role else 401
                assert (response.status_code if response.status_code in {401, 403} else None) == expected
                assert "server" not in response.headers
                assert "set-cookie" not in response.headers
                for name in ("content-security-policy", "referrer-policy", "cross-origin-resource-policy"):
                    assert name in response.headers
                assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"jwks": "x", "jwt_audience": "x"}, "jwt_issuer"),
        ({"jwks": "x", "jwt_issuer": "x"}, "jwt_audience"),
        ({"jwt_audience": "x"}, "jwt_audience"),
        ({"trusted_proxies": ["x"]}, "trusted_proxy"),
        ({"rate_limit_store": "redis://x"}, "rate_limit_store"),
    ],
)
def test_settings_that_lack_another_are_refused(settings: dict[str, str], field: str) -> None:
    with pytest.raises(ValueError, match=f"^{field}: "):
        AccessSettings(**settings)
