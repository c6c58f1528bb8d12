"""Keys of any kind in a bucket: each is listed, read and removed under its own name."""

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forkresize.store import InvalidKeyError, ObjectKind, PutOptions
from forkresize.store.objects.obstore_client import supports
from forkresize.store.objects.store import ObjectStore
from tests.servers.program import uses
from tests.store.buckets import Bucket

pytestmark = [*uses("ministack"), pytest.mark.slow]

USUAL = [
    "ü",
    "a b",
    "%41",
    "%2541",
    "a%2Fb",
    "a+b",
    "~",
    "#",
    "?",
    "*",
    "{x}",
    "a\\b",
    "\u202e",
    "e\u0301",
    "&<>'\"",
    "x" * 900,
]
UNUSUAL = ["a//b", "/lead", "trail/", "a/../b", "a/./b", "..", "a\nb", "a\rb", "a\tb", "a\x01b", "\x7f", "//"]


def put_stranger(bucket: Bucket, store: ObjectStore, key: str) -> None:
    """Put an object as another program may: any key is possible."""
    bucket.store._client._general.put(f"{store.url.prefix}/{key}", key.encode(), PutOptions())  # type: ignore[attr-defined]  # noqa: SLF001


@pytest.mark.parametrize("key", [*USUAL, *UNUSUAL], ids=repr)
def test_an_object_of_a_stranger_is_listed_read_and_described_under_its_own_key(
    bucket: Bucket, store: ObjectStore, key: str
) -> None:
    put_stranger(bucket, store, key)
    put_stranger(bucket, store, "other")
    found = {info.key: info for info in store.scan()}
    assert {*found} == {key, "other"}
    assert store.stat(key) == found[key]
    content = BytesIO()
    assert store.fetch(key, content, found[key]) == found[key]
    assert content.getvalue() == key.encode()


@pytest.mark.parametrize("key", UNUSUAL, ids=repr)
def test_a_key_that_obstore_would_change_is_not_given_to_it(key: str) -> None:
    assert not supports(key)


@pytest.mark.parametrize("key", USUAL, ids=repr)
def test_usual_keys_are_given_to_obstore(key: str) -> None:
    assert supports(key)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=60))
def test_no_key_becomes_another_one(bucket: Bucket, key: str) -> None:
    store = bucket.new_store()
    put_stranger(bucket, store, key)
    found = [*store.scan()]
    assert [info.key for info in found] in ([key], [])
    # Only what forkresize keeps for itself is left out.
    assert found or ".forkresize" in key
    assert store.stat(key)
    assert store.stat(f"{key}.") is None


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    keys=st.sets(st.text(st.sampled_from("ab/-é\n\uffff\U0001f600 %"), min_size=1, max_size=8), max_size=8),
    after=st.text("ab/é"),
)
def test_a_listing_is_in_the_order_of_bytes_and_begins_after_any_key(
    bucket: Bucket, keys: set[str], after: str
) -> None:
    store = bucket.new_store()
    for key in keys:
        put_stranger(bucket, store, key)
    expected = sorted(keys, key=str.encode)
    assert [info.key for info in store.scan()] == expected
    assert [info.key for info in store.scan(after=after)] == [key for key in expected if key.encode() > after.encode()]


@pytest.mark.parametrize("key", ["a\nb.jpg", "a\x7fb/c\x01.jpg"])
def test_an_output_with_control_characters_in_its_key_is_put_and_removed(store: ObjectStore, key: str) -> None:
    put = store.put(key, b"pixels", PutOptions(create=True))
    with pytest.raises(FileExistsError):
        store.put(key, b"more", PutOptions(create=True))
    store.put(key, b"pixels 2", PutOptions(replaces=put, cache_control="max-age=60", metadata={"a": "b"}))
    assert [info.key for info in store.scan()] == [key]
    with store.open(key) as file:
        assert file.read() == b"pixels 2"
    store.delete(key)
    assert [*store.scan()] == []


@pytest.mark.parametrize(
    ("key", "problem"),
    [("", "1 to 1024 bytes"), ("x" * 1100, "1 to 1024 bytes"), ("a\0b", "without NUL"), ("\udcff", "UTF-8")],
)
def test_what_no_object_can_be_named_is_refused(store: ObjectStore, key: str, problem: str) -> None:
    for action in (store.stat, store.open):
        with pytest.raises(InvalidKeyError, match=problem):
            action(key)


def test_an_empty_object_that_stands_for_a_directory_is_described_as_one(bucket: Bucket, store: ObjectStore) -> None:
    client = bucket.store._client._general  # type: ignore[attr-defined]  # noqa: SLF001
    for name in ("", "a/"):
        client.put(f"{store.url.prefix}/{name}", b"", PutOptions())
    store.put("a/b.jpg", b"")
    assert [(info.key, info.kind) for info in store.scan()] == [
        ("a/", ObjectKind.DIRECTORY),
        ("a/b.jpg", ObjectKind.FILE),
    ]


def test_what_forkresize_keeps_for_itself_is_listed_on_request_only(store: ObjectStore) -> None:
    for key in ("a.jpg", ".forkresize/runs/1/2.json.gz", "b/.forkresize/lock"):
        store.put(key, b"")
    assert [info.key for info in store.scan()] == ["a.jpg"]
    assert [info.key for info in store.scan(".forkresize/runs/1/")] == [".forkresize/runs/1/2.json.gz"]


def test_a_listing_of_several_pages_is_complete(store: ObjectStore) -> None:
    keys = [f"{number:04}.jpg" for number in range(1100)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda key: store.put(key, b""), keys))
    assert [info.key for info in store.scan()] == keys
    assert [info.key for info in store.scan(after=keys[49])] == keys[50:]
