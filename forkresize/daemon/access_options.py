"""The options of ``forkresized gateway`` about its callers: who they are, how often they call, what they may send."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from forkresize.cli.types import whole

if TYPE_CHECKING:
    from forkresize.gateway.access.settings import AccessSettings
    from forkresize.gateway.bounds import WireLimits

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--api-keys", metavar="FILE", help="Accept the API keys whose lines are in this file."),
    click.option("--jwks", metavar="FILE|URL", help="Accept tokens (JWT) that are signed with these public keys."),
    click.option("--jwt-issuer", metavar="TEXT", help="Accept tokens of this issuer (iss)."),
    click.option("--jwt-audience", metavar="TEXT", help="Accept tokens for this audience (aud)."),
    click.option("--rate-limit", metavar="RATE", help="Requests per caller, such as 60/minute. [default: no limit]"),
    click.option(
        "--address-rate-limit",
        metavar="RATE",
        help="Requests per network address, such as 600/minute. [default: no limit]",
    ),
    click.option("--rate-limit-store", metavar="URL", help="Count requests in this Redis. [default: in memory]"),
    click.option(
        "--trusted-proxy",
        "trusted_proxies",
        multiple=True,
        metavar="NETWORK",
        help="Believe X-Forwarded-For and -Proto from proxies in this network, such as 10.0.0.0/8; may be repeated.",
    ),
    click.option(
        "--max-connections",
        type=whole("n", 1),
        default=1000,
        show_default=True,
        help="Refuse more connections at the same time.",
    ),
    click.option(
        "--max-connections-per-address",
        type=whole("n", 1),
        help="Refuse more of them from one address that is not a trusted proxy. [default: half of all]",
    ),
)


def access_options(command: F) -> F:
    """Add the options about callers."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def create_access_settings(options: Mapping[str, Any]) -> "AccessSettings":
    """Return who may do what.

    Raises:
        FieldError: a value is invalid, or lacks another.
    """
    from forkresize.gateway.access.settings import AccessSettings

    return AccessSettings(**{name: options[name] for name in AccessSettings.__struct_fields__})


def create_wire_limits(options: Mapping[str, Any]) -> "WireLimits":
    """Return what clients may send."""
    from forkresize.gateway.bounds import WireLimits

    total = options["max_connections"]
    return WireLimits(
        connections=total,
        connections_per_address=options["max_connections_per_address"] or max(1, total // 2),
        proxies=options["trusted_proxies"],
        unsent=options["queue_memory"],
    )
