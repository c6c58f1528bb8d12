"""An issuer of tokens, with keys of several kinds."""

import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

ISSUER = "https://login.example"
AUDIENCE = "forkresize"


class Issuer:
    """Issues tokens; its keys are ``rsa``, ``ec`` and ``ed``."""

    def __init__(self) -> None:
        self._rsa = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._ec = ec.generate_private_key(ec.SECP256R1())
        self._ed = ed25519.Ed25519PrivateKey.generate()

    @property
    def public_pem(self) -> bytes:
        """The public key of RSA."""
        return self._rsa.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def jwks(self, *names: str) -> bytes:
        """Return the set of its public keys, or of some."""
        keys = {
            "rsa": RSAAlgorithm.to_jwk(self._rsa.public_key(), as_dict=True),
            "ec": ECAlgorithm.to_jwk(self._ec.public_key(), as_dict=True),
            "ed": OKPAlgorithm.to_jwk(self._ed.public_key(), as_dict=True),
        }
        found = [{**keys[name], "kid": name, "use": "sig"} for name in names or keys]
        return json.dumps({"keys": found}).encode()

    def sign(self, name: str = "rsa", headers: dict[str, Any] | None = None, **claims: Any) -> str:
        """Return a token; a claim that is None is left out."""
        keys: dict[str, tuple[Any, str]] = {
            "rsa": (self._rsa, "RS256"),
            "ec": (self._ec, "ES256"),
            "ed": (self._ed, "EdDSA"),
        }
        key, algorithm = keys[name]
        return jwt.encode(payload(**claims), key, algorithm, {"kid": name, **(headers or {})})


def payload(**claims: Any) -> dict[str, Any]:
    """Return valid claims, with some that differ; one that is None is left out."""
    found = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "exp": int(time.time()) + 60, "roles": ["submitter"]}
    return {name: value for name, value in (found | claims).items() if value is not None}
