import time
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from forkresize.gateway.caching import Validators, cache_control, matches
from forkresize.store import ObjectInfo

FILE = ObjectInfo("a.jpg", 1000, 1_700_000_000_500_000_000, 0, version=(1, 2))
OBJECT = replace(FILE, etag='"abc"', version="v1")
TAG = '"0123"'


def test_the_etag_changes_with_the_source_and_with_what_is_made_of_it() -> None:
    tags = {
        Validators.of(source, variant).etag
        for source in (FILE, replace(FILE, size=1001), replace(FILE, mtime_ns=1), OBJECT, replace(OBJECT, etag='"abd"'))
        for variant in (b"one", b"two")
    }
    assert len(tags) == 10
    assert all(len(tag) == 34 and tag[0] == tag[-1] == '"' for tag in tags)


@pytest.mark.parametrize(
    ("source", "change"),
    [(FILE, {"version": (3, 4)}), (FILE, {"key": "b.jpg"}), (OBJECT, {"mtime_ns": 5}), (OBJECT, {"version": None})],
)
def test_the_etag_is_the_same_on_other_machines(source: ObjectInfo, change: dict[str, Any]) -> None:
    assert Validators.of(source, b"one").etag == Validators.of(replace(source, **change), b"one").etag


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (TAG, True),
        (f"W/{TAG}", True),
        (f'"x", W/{TAG}', True),
        (f'"x" ,{TAG} , "y"', True),
        ("*", True),
        (" * ", True),
        ("", False),
        ('"x"', False),
        ("0123", False),
        (f"w/{TAG}", False),
        (f'"a,{TAG}', False),
        (f'"x" {TAG}', False),
        (f'{TAG}, "', False),
        ('"a", ' * 2000 + TAG, False),
    ],
)
def test_a_list_of_etags_is_compared_weakly(header: str, expected: bool) -> None:
    assert matches(header, TAG) is expected


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_headers_have_an_answer(if_none_match: str, if_modified_since: str) -> None:
    validators = Validators(TAG, 1_700_000_000)
    assert validators.match(if_none_match, if_modified_since) in {True, False}
    assert validators.match(None, if_modified_since) in {True, False}


@pytest.mark.parametrize(
    ("tag", "date", "expected"),
    [
        (None, None, False),
        (None, "Tue, 14 Nov 2023 22:13:20 GMT", True),
        (None, "Tue, 14 Nov 2023 22:13:19 GMT", False),
        (None, "Tuesday, 14-Nov-23 22:13:20 GMT", True),
        (None, "yesterday", False),
        ('"x"', "Tue, 14 Nov 2023 22:13:20 GMT", False),
        (TAG, "Tue, 14 Nov 2023 22:13:19 GMT", True),
    ],
)
def test_the_date_counts_only_without_an_etag(tag: str | None, date: str | None, expected: bool) -> None:
    validators = Validators(TAG, 1_700_000_000)
    assert validators.last_modified == "Tue, 14 Nov 2023 22:13:20 GMT"
    assert validators.match(tag, date) is expected


def test_a_later_change_of_the_recipe_is_the_last_change() -> None:
    assert Validators.of(FILE, b"one").modified == 1_700_000_000
    assert Validators.of(FILE, b"one", 1_750_000_000).modified == 1_750_000_000


@pytest.mark.parametrize("seconds", [-1, 10**10, 10**14])
def test_the_last_change_is_a_date_of_the_past(seconds: int) -> None:
    found = Validators.of(replace(FILE, mtime_ns=seconds * 10**9), b"one")
    assert 0 <= found.modified <= time.time()
    assert parsedate_to_datetime(found.last_modified).timestamp() == found.modified


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ({"is_versioned": True}, "public, max-age=31536000, immutable"),
        ({"is_versioned": False}, "public, max-age=600"),
        ({"is_versioned": True, "expires_in": 60.5}, "public, max-age=60, immutable"),
        ({"is_versioned": False, "expires_in": 6000.0}, "public, max-age=600"),
        ({"is_versioned": False, "expires_in": -1.0}, "public, max-age=0"),
    ],
)
def test_only_signed_urls_with_a_version_are_kept_for_a_year(details: dict[str, Any], expected: str) -> None:
    assert cache_control(600, **details) == expected
