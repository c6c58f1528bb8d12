"""The settings of access: AccessSettings, and what follows from them."""

from collections.abc import Sequence

from msgspec import Struct

from forkresize.errors import FieldError
from forkresize.gateway.access.api_keys import ApiKeys
from forkresize.gateway.access.authenticator import Authenticator
from forkresize.gateway.access.counters import Counters
from forkresize.gateway.access.guard import Access
from forkresize.gateway.access.jwks import open_key_source
from forkresize.gateway.access.proxies import check_networks
from forkresize.gateway.access.rate_limits import RateLimits, parse_rate
from forkresize.gateway.access.tokens import Tokens


class AccessSettings(Struct, frozen=True, kw_only=True):
    """Who may do what, and how often.

    Attributes:
        api_keys: the file with the hashes of API keys; None for no keys.
        jwks: the file or the URL with the public keys of tokens; None if tokens are not accepted.
        jwt_issuer: who issues tokens.
        jwt_audience: for whom tokens are issued.
        rate_limit: how many requests each principal may send, such as ``60/minute``; None for any number.
        address_rate_limit: how many requests may come from each address; None for any number.
        rate_limit_store: URL of the Redis where requests are counted; None for memory.
        trusted_proxies: networks of the proxies whose ``X-Forwarded-`` headers count.

    Raises:
        FieldError: a value is invalid, or lacks another.
    """

    api_keys: str | None = None
    jwks: str | None = None
    jwt_issuer: str | None = None
    jwt_audience: str | None = None
    rate_limit: str | None = None
    address_rate_limit: str | None = None
    rate_limit_store: str | None = None
    trusted_proxies: Sequence[str] = ()

    def __post_init__(self) -> None:
        check_networks(self.trusted_proxies)
        if self.jwks is None:
            for name, value in (("jwt_issuer", self.jwt_issuer), ("jwt_audience", self.jwt_audience)):
                if value is not None:
                    raise FieldError(name, "has no effect without the keys of tokens (jwks)")
        elif not self.jwt_issuer:
            raise FieldError("jwt_issuer", "tokens need an issuer: the value of their claim 'iss'")
        elif not self.jwt_audience:
            raise FieldError("jwt_audience", "tokens need an audience: the value of their claim 'aud'")
        if self.rate_limit_store is not None and not (self.rate_limit or self.address_rate_limit):
            raise FieldError("rate_limit_store", "has no effect without a rate limit")


def open_access(settings: AccessSettings, *, is_unsigned: bool, public_url: str = "") -> Access:
    """Return who may use which route.

    Args:
        settings: who may do what.
        is_unsigned: whether everybody may have every picture.
        public_url: where clients reach the gateway; empty for none.

    Raises:
        FieldError: a file cannot be read, or a value is invalid.
    """
    keys = ApiKeys(settings.api_keys) if settings.api_keys else None
    rates = [
        parse_rate(name, text) if text else None
        for name, text in (("rate_limit", settings.rate_limit), ("address_rate_limit", settings.address_rate_limit))
    ]
    limits = RateLimits(rates[0], rates[1], Counters(settings.rate_limit_store))
    return Access(Authenticator(keys, _open_tokens(settings)), limits, is_unsigned=is_unsigned, public_url=public_url)


def _open_tokens(settings: AccessSettings) -> Tokens | None:
    if settings.jwks is None:
        return None
    return Tokens(open_key_source(settings.jwks), settings.jwt_issuer or "", settings.jwt_audience or "")
