"""The names of a gateway: its addresses, localhost, and that of its public URL."""

import pytest

from forkresize.gateway.access.hosts import OwnHosts


@pytest.mark.parametrize(
    ("host", "is_own"),
    [
        ("127.0.0.1:8080", True),
        ("10.1.2.3", True),
        ("[::1]:8080", True),
        ("localhost", True),
        ("LOCALHOST:8080", True),
        ("images.example:443", True),
        ("evil.example", False),
        ("evil.example:8080", False),
        ("127.0.0.1.evil.example", False),
        ("localhost.evil.example", False),
        ("evil.example@127.0.0.1", True),
        ("", False),
        ("[::1", False),
        ("2130706433", False),
        ("\xff", False),
    ],
)
def test_a_name_that_others_may_redirect_is_not_a_gateways_own(host: str, is_own: bool) -> None:
    assert OwnHosts("https://images.example/x").contains(host) == is_own


def test_without_a_public_url_only_addresses_and_localhost_are() -> None:
    assert not OwnHosts("").contains("images.example")
    assert OwnHosts("").contains("localhost")
