"""Which proxies may say where a request comes from."""

import ipaddress
from collections.abc import Sequence

from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from forkresize.errors import FieldError


def trust_proxies(app: ASGIApp, networks: Sequence[str]) -> ASGIApp:
    """Return an application that learns the address and the scheme of its callers from trusted proxies alone.

    ``X-Forwarded-For`` is read from right to left, up to the first address that is not a trusted proxy's, and
    ``X-Forwarded-Proto`` gives the scheme. From everybody else they mean nothing.

    Args:
        app: the application.
        networks: of the proxies, checked by ``check_networks``; empty to trust none.
    """
    return ProxyHeadersMiddleware(app, list(networks)) if networks else app  # type: ignore[arg-type,return-value]


def is_proxy(address: str, networks: Sequence[str]) -> bool:
    """Return whether an address is in the networks of proxies."""
    found = ipaddress.ip_address(address)
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return any((mapped or found) in ipaddress.ip_network(text) for text in networks)


def check_networks(networks: Sequence[str]) -> None:
    """Check networks of proxies.

    Raises:
        FieldError: one is neither an address nor a network.
    """
    for text in networks:
        try:
            ipaddress.ip_network(text)
        except ValueError as error:
            hint = "use an address or a network, for example 10.0.0.0/8 or fd00::/8"
            raise FieldError("trusted_proxy", f"invalid network {text!r}: {hint}") from error
