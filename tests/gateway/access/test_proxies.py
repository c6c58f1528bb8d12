"""Where a request comes from: only trusted proxies may say so."""

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send

from forkresize.errors import FieldError
from forkresize.gateway.access.proxies import check_networks, is_proxy, trust_proxies


def find_origin(peer: str, networks: list[str], *headers: tuple[str, str]) -> tuple[str, str]:
    """Return the address and the scheme that the application sees."""
    scopes = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)

    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        raise AssertionError(message)

    raw = [(name.encode(), value.encode()) for name, value in headers]
    scope = {"type": "http", "client": (peer, 1), "scheme": "http", "headers": raw}
    asyncio.run(trust_proxies(app, networks)(scope, receive, send))  # type: ignore[arg-type]
    return scopes[0]["client"][0], scopes[0]["scheme"]


FORWARDED = ("x-forwarded-for", "6.6.6.6, 203.0.113.9, 10.0.0.7")
TLS = ("x-forwarded-proto", "https")


@pytest.mark.parametrize(
    ("peer", "networks", "headers", "origin"),
    [
        ("203.0.113.1", [], [FORWARDED, TLS], ("203.0.113.1", "http")),
        ("203.0.113.1", ["10.0.0.0/8"], [FORWARDED, TLS], ("203.0.113.1", "http")),
        ("10.0.0.1", ["10.0.0.0/8"], [FORWARDED, TLS], ("203.0.113.9", "https")),
        ("10.0.0.1", ["10.0.0.1"], [FORWARDED, TLS], ("10.0.0.7", "https")),
        ("10.0.0.1", ["10.0.0.0/8", "203.0.113.0/24"], [FORWARDED], ("6.6.6.6", "http")),
        # Two headers are one list: what the proxy next to us adds is at its end.
        ("10.0.0.1", ["10.0.0.0/8"], [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "203.0.113.9")],
         ("203.0.113.9", "http")),
        ("10.0.0.1", ["10.0.0.0/8"], [], ("10.0.0.1", "http")),
        ("10.0.0.1", ["10.0.0.0/8"], [("x-forwarded-for", "")], ("10.0.0.1", "http")),
        ("10.0.0.1", ["10.0.0.0/8"], [("x-forwarded-for", "[2001:db8::1]:4711")], ("2001:db8::1", "http")),
        ("fd00::1", ["fd00::/8"], [FORWARDED], ("10.0.0.7", "http")),
        ("10.0.0.1", ["10.0.0.0/8"], [("x-forwarded-proto", "gopher")], ("10.0.0.1", "http")),
        ("10.0.0.1", ["10.0.0.0/8"], [("forwarded", "for=6.6.6.6;proto=https")], ("10.0.0.1", "http")),
    ],
)  # fmt: skip
def test_the_last_address_that_is_not_a_trusted_proxy_is_the_origin(
    peer: str, networks: list[str], headers: list[tuple[str, str]], origin: tuple[str, str]
) -> None:
    assert find_origin(peer, networks, *headers) == origin


@pytest.mark.parametrize("text", ["", "*", "proxy.example", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/8,10.1.0.0/16"])
def test_a_proxy_that_is_not_a_network_is_refused(text: str) -> None:
    with pytest.raises(FieldError, match="invalid network"):
        check_networks(["10.0.0.0/8", text])


def test_addresses_and_networks_are_accepted() -> None:
    check_networks(["10.0.0.0/8", "127.0.0.1", "::1", "fd00::/8"])


@pytest.mark.parametrize(
    ("address", "expected"),
    [("10.1.2.3", True), ("::ffff:10.1.2.3", True), ("11.1.2.3", False), ("fd00::1", True), ("::1", False)],
)
def test_a_proxy_is_in_one_of_the_networks(address: str, *, expected: bool) -> None:
    assert is_proxy(address, ["10.0.0.0/8", "fd00::/8"]) is expected
    assert not is_proxy(address, [])
