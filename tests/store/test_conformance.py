"""What every store must do. A new store is added to STORES in conftest.py and has to pass all of this."""

import errno
import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from forkresize.store import ChangedError, InvalidKeyError, ObjectKind, OutputStore, PutOptions
from forkresize.store.objects.obstore_client import AZURE_UNUSABLE, supports
from tests.store.conftest import Fail, listing


def keys_of(names: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    usable = names.filter(lambda name: name[0] != "." and not {"\0", "/"} & {*name})
    return st.lists(usable, min_size=1, max_size=3).map("/".join)


byte_keys = keys_of(st.binary(min_size=1, max_size=200).map(os.fsdecode))
text_keys = keys_of(st.text(min_size=1, max_size=50))
PARTS = ["a", "b", "a-", "é", "\udcff", "\uffff", "\U0001f600", "Z"]
each_store = settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])


def is_usable(store: OutputStore, key: str) -> bool:
    """Return whether a store can keep a key; Azure allows fewer than others."""
    if store.location("").startswith("az:"):
        return supports(key) and not AZURE_UNUSABLE.search(key) and "\udcff" not in key
    return store.capabilities.any_bytes or "\udcff" not in key


def test_a_new_store_is_empty(store: OutputStore) -> None:
    assert listing(store) == []
    assert store.stat("a.jpg") is None


def test_put_makes_an_object_that_stat_open_and_scan_find(store: OutputStore) -> None:
    before = time.time_ns() - 2 * 10**9
    put = store.put("a/b/c.jpg", b"pixels")
    found = store.stat("a/b/c.jpg")
    assert found is not None
    assert (found.key, found.size, found.kind) == ("a/b/c.jpg", 6, ObjectKind.FILE)
    assert before < found.mtime_ns <= time.time_ns() + 2 * 10**9
    assert before < found.changed_ns
    assert put.is_same(found)
    # Object stores do not say when they have put an object.
    assert put.mtime_ns in {0, found.mtime_ns}
    with store.open("a/b/c.jpg") as file:
        assert file.read() == b"pixels"
    assert list(store.scan()) == [found]


@pytest.mark.parametrize("data", [b"", bytes(1 << 20), memoryview(b"view")], ids=["empty", "large", "view"])
def test_what_is_put_is_read_back(store: OutputStore, data: bytes) -> None:
    store.put("x", data)
    with store.open("x") as file:
        assert file.read() == bytes(data)


def test_an_object_is_fetched_into_a_file_in_place_of_its_content(store: OutputStore, tmp_path: Path) -> None:
    data = bytes(range(256)) * 5000
    store.put("a/b.jpg", data)
    found = store.stat("a/b.jpg")
    with (tmp_path / "file").open("w+b", buffering=0) as file:
        file.write(bytes(2 * len(data)))
        fetched = store.fetch("a/b.jpg", file, found)
        file.seek(0)
        assert file.read() == data
    assert fetched == found


def test_a_missing_object_is_not_fetched(store: OutputStore, tmp_path: Path) -> None:
    with (tmp_path / "file").open("w+b") as file, pytest.raises(FileNotFoundError):
        store.fetch("a.jpg", file)


def test_another_object_than_the_expected_one_is_not_fetched(store: OutputStore, tmp_path: Path) -> None:
    before = store.put("a.jpg", b"old")
    store.put("a.jpg", b"new")
    with (tmp_path / "file").open("w+b") as file:
        with pytest.raises(ChangedError, match="changed by another program") as refusal:
            store.fetch("a.jpg", file, before)
        assert refusal.value.filename == store.location("a.jpg")
        assert store.fetch("a.jpg", file, store.stat("a.jpg")).size == 3
        assert store.fetch("a.jpg", file).size == 3


def test_an_object_is_created_once(store: OutputStore) -> None:
    store.put("a/b.jpg", b"first", PutOptions(create=True))
    with pytest.raises(FileExistsError):
        store.put("a/b.jpg", b"second", PutOptions(create=True))
    with store.open("a/b.jpg") as file:
        assert file.read() == b"first"
    assert listing(store) == ["a/b.jpg"]


def test_only_the_expected_object_is_replaced(store: OutputStore) -> None:
    first = store.put("a.jpg", b"first")
    second = store.put("a.jpg", b"second!", PutOptions(replaces=first))
    with pytest.raises(ChangedError):
        store.put("a.jpg", b"third", PutOptions(replaces=first))
    with store.open("a.jpg") as file:
        assert file.read() == b"second!"
    store.delete("a.jpg")
    with pytest.raises(ChangedError):
        store.put("a.jpg", b"fourth", PutOptions(replaces=second))
    assert listing(store) == []


def test_put_replaces_an_object_and_its_version(store: OutputStore) -> None:
    store.put("a.jpg", b"old and longer")
    if store.capabilities.mtimes:
        store.set_mtime("a.jpg", 10**18)
    before = store.stat("a.jpg")
    store.put("a.jpg", b"new")
    after = store.stat("a.jpg")
    assert after is not None
    assert before is not None
    assert after.replaces(before)
    assert after.replaces(None)
    assert not after.replaces(after)
    with store.open("a.jpg") as file:
        assert file.read() == b"new"


def test_an_object_that_is_being_read_keeps_its_content(store: OutputStore) -> None:
    store.put("a.jpg", b"old")
    with store.open("a.jpg") as file:
        store.put("a.jpg", b"new")
        assert file.read() == b"old"


@each_store
@given(data=st.data())
def test_any_key_is_stored_under_that_key(store: OutputStore, data: st.DataObject) -> None:
    key = data.draw(byte_keys if store.capabilities.any_bytes else text_keys)
    assume(is_usable(store, key))
    store.put(key, key.encode(errors="surrogateescape"))
    with store.open(key) as file:
        assert file.read() == key.encode(errors="surrogateescape")
    assert listing(store) == [key]
    store.delete(key)
    assert store.stat(key) is None


@pytest.mark.parametrize("name", ["x" * 255, "ö" * 127 + "x", "\udcff" * 255], ids=["ascii", "utf-8", "not-utf-8"])
def test_names_of_255_bytes_are_stored(store: OutputStore, name: str) -> None:
    if "\udcff" in name and not store.capabilities.any_bytes:
        with pytest.raises(InvalidKeyError, match="UTF-8"):
            store.put(name, b"data")
        return
    store.put(f"{name}/{name}", b"data")
    assert listing(store) == [f"{name}/{name}"]


@pytest.mark.parametrize("key", ["", "..", "../x", "a/../x", "a//b", "/a", "a/", "./a", "a\0b"])
def test_keys_that_lead_out_or_are_not_names_are_refused(store: OutputStore, key: str) -> None:
    with pytest.raises(InvalidKeyError, match="invalid key"):
        store.put(key, b"data")
    with pytest.raises(InvalidKeyError, match="invalid key"):
        store.delete(key)
    assert listing(store) == []


@each_store
@given(
    st.sets(
        st.lists(
            st.sampled_from(["a", "b", "a-", "é", "\udcff", "\uffff", "\U0001f600", "Z"]), min_size=1, max_size=3
        ).map("/".join),
        max_size=8,
    )
)
def test_scan_yields_keys_in_the_order_of_their_bytes(store: OutputStore, wanted: set[str]) -> None:
    # No file may have the name of a directory on the local file system.
    usable = {key for key in wanted if is_usable(store, key)}
    kept = {key for key in usable if not any(other.startswith(f"{key}/") for other in usable)}
    for key in kept:
        store.put(key, b"")
    expected = sorted(kept, key=os.fsencode)
    assert listing(store) == expected
    for key in expected[:3]:
        assert listing(store, after=key) == [each for each in expected if os.fsencode(each) > os.fsencode(key)]
        assert listing(store, key[:2]) == [each for each in expected if each.startswith(key[:2])]
    for key in kept:
        store.delete(key)


def test_set_mtime_dates_an_object_and_nothing_else(store: OutputStore) -> None:
    if not store.capabilities.mtimes:
        pytest.skip("has no times of its own")
    store.put("a.jpg", b"pixels")
    before = time.time_ns() - 2 * 10**9
    store.set_mtime("a.jpg", 10**18 + 500)
    found = store.stat("a.jpg")
    assert found is not None
    assert (found.mtime_ns, found.size) == (10**18 + 500, 6)
    assert found.changed_ns > before


def test_a_missing_object_is_not_found(store: OutputStore) -> None:
    store.put("b.jpg", b"")
    for action in (store.open, store.delete):
        with pytest.raises(FileNotFoundError):
            action("a.jpg")
    if store.capabilities.mtimes:
        with pytest.raises(FileNotFoundError):
            store.set_mtime("a.jpg", 0)
    assert listing(store) == ["b.jpg"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EIO])
def test_a_put_that_fails_keeps_the_old_object_and_leaves_nothing(store: OutputStore, fail: Fail, code: int) -> None:
    store.put("a.jpg", b"old")
    for key in ("a.jpg", "b/c.jpg"):
        with fail("put", code), pytest.raises(OSError, match=r".") as refusal:
            store.put(key, b"new")
        assert refusal.value.errno == code
        assert refusal.value.strerror
    assert listing(store) == ["a.jpg"]
    with store.open("a.jpg") as file:
        assert file.read() == b"old"
    store.put("b/c.jpg", b"new")
    assert listing(store) == ["a.jpg", "b/c.jpg"]


@pytest.mark.parametrize("operation", ["stat", "open", "delete"])
@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO])
def test_an_object_that_is_out_of_reach_does_not_count_as_missing(
    store: OutputStore, fail: Fail, operation: str, code: int
) -> None:
    store.put("a.jpg", b"pixels")
    with fail(operation, code), pytest.raises(OSError, match=r".") as refusal:
        getattr(store, operation)("a.jpg")
    assert refusal.value.errno == code
    with store.open("a.jpg") as file:
        assert file.read() == b"pixels"


def test_a_directory_is_neither_opened_nor_deleted(store: OutputStore) -> None:
    store.put("a/b.jpg", b"pixels")
    found = store.stat("a")
    assert found is None or found.kind is ObjectKind.DIRECTORY
    for action in (store.open, store.delete):
        with pytest.raises(OSError, match=r".") as refusal:
            action("a")
        assert refusal.value.errno
    assert listing(store) == ["a/b.jpg"]


def test_delete_removes_one_object(store: OutputStore) -> None:
    store.put("a/b/c.jpg", b"")
    store.put("a/d.jpg", b"")
    store.delete("a/b/c.jpg")
    assert listing(store) == ["a/d.jpg"]
    store.put("a/b", b"a file where the directory was")
    assert listing(store) == ["a/b", "a/d.jpg"]


def test_many_objects_are_removed_and_the_others_stay(store: OutputStore) -> None:
    keys = [f"a/{number} & ü.jpg" for number in range(20)]
    for key in [*keys, "a/kept.jpg"]:
        store.put(key, b"")
    errors = dict(store.delete_many([*keys, "a/missing.jpg"]))
    assert errors.pop("a/missing.jpg") is None or not store.stat("a/missing.jpg")
    assert errors == dict.fromkeys(keys)
    assert listing(store) == ["a/kept.jpg"]
    assert list(store.delete_many([])) == []


def test_objects_that_cannot_be_removed_are_named(store: OutputStore, fail: Fail) -> None:
    keys = ["a.jpg", "b.jpg"]
    for key in keys:
        store.put(key, b"")
    with fail("delete", errno.EACCES):
        errors = dict(store.delete_many(keys))
    assert {key: error and error.errno for key, error in errors.items()} == dict.fromkeys(keys, errno.EACCES)
    assert listing(store) == keys


def test_different_keys_have_different_locations(store: OutputStore) -> None:
    locations = {store.location(key) for key in ("a", "b", "a/b")}
    assert len(locations) == 3
    assert all("a" in location or "b" in location for location in locations)


def test_probe_measures_what_is_declared(store: OutputStore) -> None:
    store.put("Probe", b"")
    measured = store.probe()
    assert measured.case_sensitive == (store.stat("pROBE") is None)
    assert measured.local_paths == store.capabilities.local_paths == os.path.exists(store.location("Probe"))
    assert listing(store) == ["Probe"]
