"""A program without the secrets of a gateway has URLs signed, and anyone can use them."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway.conftest import Gateway, SignedGateway, run_signed_gateway

pytestmark = pytest.mark.slow

PATH = "/rs:fit:80:0/f:webp/plain/photos/one.jpg"


def test_an_unsigned_gateway_returns_unsigned_urls(gateway: Gateway) -> None:
    response = gateway.client.post("/v1/sign", json={"paths": [PATH]})
    assert response.json() == {"urls": [f"/i/unsafe{PATH}"]}
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"paths": []}, "paths"),
        ({"paths": ["plain/photos/one.jpg"]}, "paths[0]"),
        ({"paths": ["/rs:fit:x/plain/photos/one.jpg"]}, "rs"),
        ({"paths": ["/pr:none/plain/photos/one.jpg"]}, "preset"),
        ({"paths": ["/plain/photos"]}, "source"),
        ({"paths": [PATH], "expires_in": 0}, "expires_in"),
        ({"paths": [PATH], "other": 1}, ""),
    ],
)
def test_what_cannot_be_signed_is_named(body: object, field: str, gateway: Gateway) -> None:
    response = gateway.client.post("/v1/sign", json=body)
    assert (response.status_code, response.json().get("field", "")) == (400, field)


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [(b"{", "application/json", 400), (b"{}", "text/plain", 415), (b" " * 1_000_001, "application/json", 413)],
)
def test_other_bodies_are_refused(content: bytes, media_type: str, status: int, gateway: Gateway) -> None:
    response = gateway.client.post("/v1/sign", content=content, headers={"content-type": media_type})
    assert response.status_code == status


@pytest.fixture(scope="module")
def signed(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignedGateway]:
    """A gateway whose URLs are signed."""
    with run_signed_gateway(photos, tmp_path_factory.mktemp("signed")) as found:
        yield found


def test_a_submitter_has_urls_signed_that_anyone_can_use(signed: SignedGateway) -> None:
    client = signed.gateway.client
    response = client.post("/v1/sign", json={"paths": [PATH, f"{PATH}@png"]}, headers=signed.authorize("submitter"))
    first, second = response.json()["urls"]
    assert client.get(first).headers["content-type"] == "image/webp"
    assert client.get(second).headers["content-type"] == "image/png"
    assert client.get(first.replace("80:0", "90:0")).status_code == 403


def test_a_signed_url_ends_when_it_was_asked_to(signed: SignedGateway) -> None:
    before = int(time.time())
    body = {"paths": [PATH], "expires_in": 60}
    [url] = signed.gateway.client.post("/v1/sign", json=body, headers=signed.authorize("submitter")).json()["urls"]
    expiry = int(re.findall(r"/exp:(\d+)/", url)[0])
    assert before + 60 <= expiry <= int(time.time()) + 60
    assert signed.gateway.client.get(url).status_code == 200


def test_others_have_nothing_signed(signed: SignedGateway) -> None:
    client = signed.gateway.client
    assert client.post("/v1/sign", json={"paths": [PATH]}).status_code == 401
    assert client.post("/v1/sign", json={"paths": [PATH]}, headers=signed.authorize("reader")).status_code == 403
