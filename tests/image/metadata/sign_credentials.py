"""Signs pictures with content credentials: ``sign_credentials.py FOLDER`` replaces each file by a signed one.

A program of its own, since the library has threads.
"""

import datetime as dt
import io
import json
import mimetypes
import sys
from pathlib import Path

from c2pa import Builder, C2paSignerInfo, Signer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"

MANIFEST = {
    "claim_generator_info": [{"name": "tests", "version": "1"}],
    "assertions": [
        {"label": "c2pa.actions", "data": {"actions": [{"action": "c2pa.created", "digitalSourceType": SOURCE_TYPE}]}}
    ],
}


def certify(subject: str, key: ec.EllipticCurvePrivateKey, issuer_key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    """Return a certificate for a key; one that signs itself is an authority."""
    is_authority = key is issuer_key
    now = dt.datetime.now(dt.UTC)
    names = [
        x509.Name(
            [x509.NameAttribute(NameOID.COMMON_NAME, name), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "tests")]
        )
        for name in (subject, "authority")
    ]
    builder = (
        x509.CertificateBuilder(names[1], names[0], key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(_usage(is_authority=is_authority), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if not is_authority:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )


def create_signer() -> Signer:
    """Return a signer whose certificate is made for the occasion."""
    authority, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    chain = certify("signer", key, authority), certify("authority", authority, authority)
    pem = b"".join(each.public_bytes(serialization.Encoding.PEM) for each in chain)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Signer.from_info(C2paSignerInfo(b"es256", pem, secret, None))


if __name__ == "__main__":
    for path in sorted(Path(sys.argv[1]).iterdir()):
        signed = io.BytesIO()
        kind = mimetypes.guess_type(path)[0] or f"image/{path.suffix[1:]}"
        Builder(json.dumps(MANIFEST)).sign(create_signer(), kind, io.BytesIO(path.read_bytes()), signed)
        path.write_bytes(signed.getvalue())
