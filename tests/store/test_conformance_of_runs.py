"""What every store must do for runs: staged objects, the lock, and programs that put at the same time."""

import contextlib
import itertools
import threading

import pytest

from forkresize.errors import DestinationBusyError
from forkresize.store import InvalidKeyError, OutputStore, PutOptions, StagedError
from tests.store.conftest import listing


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
            checked = staging.check(staged, 6)
            assert key not in listing(store) or key == "a/b.jpg"
            if staging.adopt(staged, key):
                found = store.stat(key)
                assert checked is not None
                assert found is not None
                assert (checked.size, checked.mtime_ns) == (found.size, found.mtime_ns)
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
