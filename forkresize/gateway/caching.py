"""What caches need to know of a picture: ETag, Last-Modified, Cache-Control, and when 304 is the answer.

See RFC 9110 and 9111. The ETag follows from the version of the source and from all that is made of it, so that it is
known before the source is fetched.
"""

import hashlib
import re
import time
from email.utils import formatdate, parsedate_to_datetime
from functools import lru_cache

from msgspec import Struct

from forkresize.store import ObjectInfo

IMMUTABLE_AGE = 31_536_000
"""Seconds that caches may keep a URL that changes with its picture: a year, the longest that is used."""

_TAG = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_LIST = re.compile(rf"\s*(?:{_TAG.pattern}\s*(?:,\s*|$))+")

_NS = 10**9


class Validators(Struct, frozen=True):
    """What a client compares its copy with.

    Attributes:
        etag: strong, with its quotes.
        modified: seconds since the epoch of the last change.
    """

    etag: str
    modified: int

    @classmethod
    def of(cls, source: ObjectInfo, variant: bytes, changed: int = 0) -> "Validators":
        """Return those of a picture.

        Args:
            source: as it is in its store.
            variant: changes with all that is made of it: the recipe, its files, the codecs.
            changed: seconds since the epoch at which the variant changed last.
        """
        facts = (source.etag or "", source.version or "", source.size, source.mtime_ns)
        digest = hashlib.blake2b(variant, digest_size=16)
        # ETags of stores are enough by themselves; of files, device and inode are not the same everywhere.
        digest.update(repr((facts[0], facts[2]) if source.etag else facts[2:]).encode(errors="surrogateescape"))
        # A date in the future would be later than that of the answer (RFC 9110, 8.8.2.1).
        modified = min(max(source.mtime_ns // _NS, changed), int(time.time()))
        return cls(f'"{digest.hexdigest()}"', modified)

    def match(self, if_none_match: str | None, if_modified_since: str | None) -> bool:
        """Return whether a client's copy is up to date. Its date counts only without an ETag (RFC 9110, 13.2.2)."""
        if if_none_match is not None:
            return matches(if_none_match, self.etag)
        return if_modified_since is not None and self.modified <= _parse_date(if_modified_since)

    @property
    def last_modified(self) -> str:
        """The date of the last change, as headers have it."""
        return _format_date(self.modified)


def matches(if_none_match: str, etag: str) -> bool:
    """Return whether a list of ETags has one, compared weakly; ``*`` stands for any. Malformed lists match nothing."""
    if if_none_match == etag:
        return True
    if if_none_match.strip() == "*":
        return True
    if len(if_none_match) > _MAX_LIST or not _LIST.fullmatch(if_none_match):
        return False
    return etag.removeprefix("W/") in _TAG.findall(if_none_match)


_MAX_LIST = 4096
"""Characters of a longer list are not read."""


def cache_control(max_age: int, *, is_versioned: bool, expires_in: float | None = None) -> str:
    """Return how long caches may keep a picture.

    Args:
        max_age: seconds, for URLs that do not change with their picture.
        is_versioned: whether the URL is signed, and changes with its picture.
        expires_in: seconds until the URL expires; None for never.
    """
    age = IMMUTABLE_AGE if is_versioned else max_age
    if expires_in is not None:
        age = max(0, min(age, int(expires_in)))
    return f"public, max-age={age}{', immutable' if is_versioned else ''}"


@lru_cache(maxsize=1024)
def _format_date(seconds: int) -> str:
    return formatdate(seconds, usegmt=True)


def _parse_date(text: str) -> float:
    """Return a date in seconds since the epoch; one before all others if it is malformed."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return float("-inf")
