"""BLAKE2b, and random names. ``hashlib`` and ``secrets`` load OpenSSL, a fiftieth of the start of the command."""

import os

try:
    # What hashlib.blake2b is in CPython.
    from _blake2 import blake2b
except ImportError:
    from hashlib import blake2b

__all__ = ["blake2b", "random_hex"]


def random_hex(size: int) -> str:
    """Return so many random bytes of the system in hexadecimal digits, as ``secrets.token_hex`` does."""
    return os.urandom(size).hex()
