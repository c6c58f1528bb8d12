"""Tokens: valid ones have roles, all others are refused with the reason."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from typing import Any

import pytest

from forkresize.gateway.access.jwks import open_key_source
from forkresize.gateway.access.principal import Principal, Role
from forkresize.gateway.access.tokens import InvalidTokenError, Tokens
from tests.gateway.access.issuer import AUDIENCE, ISSUER, Issuer, payload


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture(scope="module")
def tokens(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Tokens:
    file = tmp_path_factory.mktemp("jwks") / "keys.json"
    file.write_bytes(issuer.jwks())
    return Tokens(open_key_source(str(file)), ISSUER, AUDIENCE)


def verify(tokens: Tokens, token: str) -> Principal:
    return asyncio.run(tokens.verify(token))


@pytest.mark.parametrize("key", ["rsa", "ec", "ed"])
def test_a_token_with_an_asymmetric_key_is_valid(issuer: Issuer, tokens: Tokens, key: str) -> None:
    assert verify(tokens, issuer.sign(key)) == Principal("token:ann", Role.SUBMITTER)


@pytest.mark.parametrize(
    ("roles", "role"),
    [
        (["reader", "admin", "cook"], Role.ADMIN),
        ("reader submitter", Role.SUBMITTER),
        (["cook", 7, None, {}], Role.ANONYMOUS),
        ([], Role.ANONYMOUS),
        (None, Role.ANONYMOUS),
        (["anonymous"], Role.ANONYMOUS),
    ],
)
def test_the_highest_role_of_a_token_counts(issuer: Issuer, tokens: Tokens, roles: Any, role: Role) -> None:
    assert verify(tokens, issuer.sign(roles=roles)).role is role


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def join(header: Any, claims: Any, secret: bytes | None = None) -> str:
    signed = f"{encode(json.dumps(header).encode())}.{encode(json.dumps(claims).encode())}"
    return f"{signed}.{encode(hmac.new(secret, signed.encode(), hashlib.sha256).digest()) if secret else ''}"


def forge(issuer: Issuer) -> dict[str, str]:
    """Return invalid tokens with the names of their faults."""
    good = issuer.sign()
    head, claims, signature = good.split(".")
    past = int(time.time()) - 60
    return {
        "none": join({"alg": "none", "kid": "rsa"}, payload()),
        "None with a signature": join({"alg": "None", "kid": "rsa"}, payload()) + "AAAA",
        "HS256 with the public key": join({"alg": "HS256", "kid": "rsa"}, payload(), issuer.public_pem),
        "another key's id": issuer.sign("ec", {"kid": "rsa"}),
        "unknown key": issuer.sign(headers={"kid": "other"}),
        "no key id": join({"alg": "RS256"}, payload()),
        "a key id that is a list": join({"alg": "RS256", "kid": ["rsa"]}, payload()),
        "other claims": ".".join([head, encode(json.dumps(payload(roles=["admin"])).encode()), signature]),
        "no signature": f"{head}.{claims}.",
        "key from the token": issuer.sign(headers={"jku": "https://evil.example/", "kid": "../rsa"}),
        "another signer": Issuer().sign(),
        "expired": issuer.sign(exp=past),
        "not valid yet": issuer.sign(nbf=int(time.time()) + 60),
        "no expiry": issuer.sign(exp=None),
        "expiry that is text": issuer.sign(exp="tomorrow"),
        "other audience": issuer.sign(aud="shop"),
        "no audience": issuer.sign(aud=None),
        "other issuer": issuer.sign(iss="https://evil.example"),
        "no issuer": issuer.sign(iss=None),
        "no subject": issuer.sign(sub=None),
        "roles that are a mapping": issuer.sign(roles={"admin": True}),
        "header that is a list": f"{encode(b'[]')}.{claims}.{signature}",
        "nested": f"{encode(b'[' * 5000)}.{claims}.{signature}",
        "not a token": "abc",
        "empty": "",
        "not ASCII": "\xff.\xff.\xff",
        "too long": good + "A" * 9000,
    }


def test_a_forged_token_is_refused_with_a_reason_that_does_not_repeat_it(issuer: Issuer, tokens: Tokens) -> None:
    for name, token in forge(issuer).items():
        with pytest.raises(InvalidTokenError) as found:
            pytest.fail(f"{name}: {verify(tokens, token)}")
        assert str(found.value).startswith("the token"), name
        assert not token or token not in str(found.value)
