"""What every store must do. A new store is added to STORES in conftest.py and has to pass all of this."""

import contextlib
import errno
import itertools
import os
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from forkresize.errors import DestinationBusyError
from forkresize.store import ChangedError, InvalidKeyError, ObjectKind, OutputStore, PutOptions, StagedError
from forkresize.store.objects.obstore_client import AZURE_UNUSABLE, supports
from tests.store.conftest import Fail


def keys_of(names: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    usable = names.filter(lambda name: name[0] != "." and not {"\0", "/"} & {*name})
    return st.lists(usable, min_size=1, max_size=3).map("/".join)


byte_keys = keys_of(st.binary(min_size=1, max_size=200).map(os.fsdecode))
text_keys = keys_of(st.text(min_size=1, max_size=50))
PARTS = ["a", "b", "a-", "é", "\udcff", "\uffff", "\U0001f600", "Z"]
each_store = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


def listing(store: OutputStore, prefix: str = "", after: str = "") -> list[str]:
    found = [info.key for info in store.scan(prefix, after)]
    return found if store.capabilities.ordered_listing else sorted(found, key=os.fsencode)


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


def test_of_programs_that_create_one_object_at_the_same_time_one_succeeds(store: OutputStore) -> None:
    if not (store.probe().conditional_put or store.capabilities.local_paths):
        pytest.skip("ignores conditions")
    created: list[str] = []
    writers = [store.with_run(f"{number:08x}") for number in range(6)]
    barrier = threading.Barrier(len(writers))

    def create(writer: OutputStore, name: str) -> None:
        barrier.wait(timeout=30)
        with contextlib.suppress(FileExistsError):
            writer.put("x", name.encode(), PutOptions(create=True))
            created.append(name)

    threads = [threading.Thread(target=create, args=(writer, f"{i}")) for i, writer in enumerate(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(created) == 1
    with store.open("x") as file:
        assert file.read().decode() == created[0]
    assert listing(store) == ["x"]


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
        ).map("/".join)
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
    for key in expected[:5]:
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


def test_concurrent_puts_leave_one_of_the_values_complete(store: OutputStore) -> None:
    values = [bytes([number]) * 100_000 for number in range(4)]
    writers = [store.with_run(f"{number:08x}") for number in range(4)]

    def write(writer: OutputStore, value: bytes) -> None:
        for _ in range(20):
            writer.put("a/x.jpg", value)

    threads = [threading.Thread(target=write, args=pair) for pair in zip(writers, values, strict=True)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        if store.stat("a/x.jpg") is not None:
            with store.open("a/x.jpg") as file:
                assert file.read() in values
    with store.open("a/x.jpg") as file:
        assert file.read() in values
    assert listing(store) == ["a/x.jpg"]


def test_a_staged_object_appears_when_it_is_adopted(store: OutputStore) -> None:
    store.put("a/b.jpg", b"old")
    with store.lock(), store.staging() as staging:
        for key in ("a/b.jpg", "c/d.jpg", "e.jpg"):
            staged = staging.new_key()
            store.stage(staged, b"pixels")
            staging.check(staged, 6)
            assert key not in listing(store) or key == "a/b.jpg"
            staging.adopt(staged, key)
            with store.open(key) as file:
                assert file.read() == b"pixels"
    assert listing(store) == ["a/b.jpg", "c/d.jpg", "e.jpg"]


def test_a_staged_object_that_differs_from_the_report_is_refused(store: OutputStore) -> None:
    with store.lock(), store.staging() as staging:
        staged = staging.new_key()
        with pytest.raises(StagedError, match="did not write"):
            staging.check(staged, 6)
        store.stage(staged, b"more pixels")
        with pytest.raises(StagedError, match="of 6 bytes, and wrote 11"):
            staging.check(staged, 6)
    assert listing(store) == []


def test_a_staged_object_is_written_again_by_a_second_attempt(store: OutputStore) -> None:
    with store.lock(), store.staging() as staging:
        staged = staging.new_key()
        store.stage(staged, b"the first attempt")
        store.stage(staged, b"second")
        staging.check(staged, 6)
        staging.adopt(staged, "a.jpg")
    with store.open("a.jpg") as file:
        assert file.read() == b"second"


def test_discarded_and_abandoned_objects_are_removed(store: OutputStore) -> None:
    with store.lock(), store.staging() as staging:
        kept, dropped = staging.new_key(), staging.new_key()
        assert kept != dropped
        store.stage(kept, b"kept")
        store.stage(dropped, b"dropped")
        staging.discard(dropped)
        staging.discard(dropped)
        with pytest.raises(StagedError):
            staging.check(dropped, 7)
        staging.check(kept, 4)
    assert listing(store) == []
    with store.lock(), store.staging() as staging, pytest.raises(StagedError):
        staging.check(kept, 4)


@pytest.mark.parametrize("key", ["", "../x", "a/../x", "/a", "a\0b"])
def test_a_staged_object_is_not_adopted_under_an_invalid_key(store: OutputStore, key: str) -> None:
    with store.lock(), store.staging() as staging:
        staged = staging.new_key()
        store.stage(staged, b"pixels")
        with pytest.raises(InvalidKeyError, match="invalid key"):
            staging.adopt(staged, key)
    assert listing(store) == []


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


def test_one_run_holds_a_store(store: OutputStore) -> None:
    with store.lock() as run_id:
        with pytest.raises(DestinationBusyError), store.lock():
            pytest.fail("two runs held one store")
        with pytest.raises(DestinationBusyError), store.lock("1-of-2"):
            pytest.fail("a shard was held besides the whole")
    with store.lock() as other:
        assert other != run_id
    assert listing(store) == []


def test_shards_are_held_at_the_same_time(store: OutputStore) -> None:
    with store.lock("1-of-2") as one, store.lock("2-of-2") as other:
        assert one != other
        for shard in (None, "1-of-2"):
            with pytest.raises(DestinationBusyError), store.lock(shard):
                pytest.fail("two runs held one shard")


def test_a_lock_is_waited_for(store: OutputStore) -> None:
    calls: list[str] = []
    held = store.lock()
    held.__enter__()
    timer = threading.Timer(0.3, held.__exit__, (None, None, None))
    timer.start()
    with store.lock(timeout=30, on_wait=lambda: calls.append("waits")):
        assert calls == ["waits"]
    timer.join()
    with store.lock(timeout=30, on_wait=lambda: calls.append("waits again")):
        assert calls == ["waits"]


def test_a_lock_ends_with_an_exception(store: OutputStore) -> None:
    for attempt in itertools.count():
        if attempt == 2:
            break
        with pytest.raises(KeyboardInterrupt), store.lock():
            raise KeyboardInterrupt
