"""Rate limits and proxies of a gateway that runs, with its counters in Redis."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from forkresize.gateway.access.api_keys import CreatedKey, create_key
from tests.gateway.conftest import Gateway, run_gateway
from tests.servers.program import uses
from tests.servers.redis import RedisServer, run_redis

pytestmark = [pytest.mark.slow, *uses("redis")]

ONE, TWO = create_key("one", "reader"), create_key("two", "reader")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with run_redis(tmp_path_factory.mktemp("counters")) as server:
        yield server


@pytest.fixture(scope="module")
def limited(store: RedisServer, photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    keys = tmp_path_factory.mktemp("limited") / "keys"
    keys.write_text(f"{ONE.line}\n{TWO.line}\n")
    options = ["--rate-limit=2/day", "--address-rate-limit=5/day", f"--rate-limit-store={store.url}"]
    options += ["--trusted-proxy=127.0.0.0/8", "--unsigned", "--workers=1", f"--api-keys={keys}"]
    with run_gateway(f"--root=photos={photos}", *options) as gateway:
        yield gateway


def get(gateway: Gateway, address: str, key: CreatedKey | None = None, **headers: Any) -> httpx.Response:
    """Ask for the roots from an address, as a proxy passes it on."""
    if key is not None:
        headers["authorization"] = f"Bearer {key.key}"
    return gateway.client.get("v1/roots", headers={"x-forwarded-for": f"6.6.6.6, {address}", **headers})


def test_limits_follow_the_address_that_the_proxy_passes_on_and_the_key(limited: Gateway) -> None:
    assert [get(limited, "203.0.113.1").status_code for _ in range(3)] == [200, 200, 429]
    assert [get(limited, "203.0.113.2").status_code for _ in range(3)] == [200, 200, 429]
    # Three more from the first address: two of them by one key.
    assert [get(limited, "203.0.113.1", ONE).status_code for _ in range(3)] == [200, 200, 429]
    assert get(limited, "203.0.113.1", TWO).status_code == 200
    refused = get(limited, "203.0.113.1", TWO)
    assert refused.status_code == 429
    assert refused.json()["detail"] == "too many requests: each address may send 5 in 86400 seconds"
    assert refused.headers["ratelimit-policy"] == '"principal";q=2;w=86400, "address";q=5;w=86400'
    assert 0 < int(refused.headers["retry-after"]) <= 86_400
    assert [limited.client.get("livez").status_code for _ in range(9)] == [200] * 9


def test_browsers_are_asked_to_stay_with_tls_if_the_proxy_has_it(limited: Gateway) -> None:
    headers = {"x-forwarded-proto": "https"}
    assert limited.client.get("livez", headers=headers).headers["strict-transport-security"] == "max-age=31536000"
    assert "strict-transport-security" not in limited.client.get("livez").headers


def test_a_gateway_serves_on_while_redis_is_away(limited: Gateway, store: RedisServer) -> None:
    store.stop()
    assert [get(limited, "203.0.113.9").status_code for _ in range(3)] == [200, 200, 429]
    assert sum("is away, they are counted in memory" in line for line in limited.lines) == 1
    store.start()
