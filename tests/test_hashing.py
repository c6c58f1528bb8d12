"""BLAKE2b without OpenSSL, and random names."""

import hashlib
import subprocess
import sys

from forkresize.hashing import blake2b, random_hex

LOADED = "import sys, forkresize.hashing; print(sorted({'hashlib', '_hashlib', 'secrets'} & sys.modules.keys()))"


def test_a_hash_is_that_of_hashlib() -> None:
    assert blake2b(b"key", digest_size=8).digest() == hashlib.blake2b(b"key", digest_size=8).digest()


def test_random_names_have_two_digits_a_byte_and_differ() -> None:
    first, second = random_hex(8), random_hex(8)
    assert len(first) == 16
    assert bytes.fromhex(first) != bytes.fromhex(second)


def test_openssl_is_not_loaded() -> None:
    assert subprocess.check_output([sys.executable, "-c", LOADED], text=True, timeout=60) == "[]\n"
