"""The lock of a bucket: renewed while it is held, taken over when its holder stands still."""

import contextlib
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from forkresize.errors import DestinationBusyError, DestinationError
from forkresize.store.objects.lock import StoreLock
from forkresize.store.objects.store import ObjectStore
from tests.servers.fault_proxy import Fault, Kind
from tests.servers.program import uses
from tests.store.buckets import Bucket

pytestmark = [*uses("ministack"), pytest.mark.slow]

KEY = ".forkresize/lock"
SECONDS = 1.5
"""Without renewal until a lock of these tests is abandoned; times of the store are good to 2 seconds besides."""

HOLD = """
import sys
from forkresize.store.objects import StoreOptions, open_store
with open_store(sys.argv[1], StoreOptions(lock_seconds=1.5)).lock() as run_id:
    print(run_id, flush=True)
    sys.stdin.read()
"""


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def read_lock(store: ObjectStore, key: str = KEY) -> dict[str, object]:
    with store.open(key) as file:
        found: dict[str, object] = json.loads(file.read())
        return found


@contextlib.contextmanager
def hold_in_a_process(bucket: Bucket, store: ObjectStore, tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(store.url)],
        env={"PATH": "", "HOME": str(tmp_path), **bucket.server.env},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip()
        yield process


def test_the_lock_names_its_holder_and_is_renewed(store: ObjectStore) -> None:
    leases: dict[str, object] = {}
    with StoreLock(store, leases, None, SECONDS).hold(0, lambda: None) as run_id:  # type: ignore[arg-type]
        first = read_lock(store)
        assert first["run"] == run_id
        assert first["seconds"] == SECONDS
        wait_for(lambda: read_lock(store)["renewals"] != first["renewals"])
        assert {*leases} == {run_id}
    assert leases == {}
    assert store.stat(KEY) is None
    assert [*store.scan(".forkresize/")] == []


def test_a_lock_that_is_renewed_is_not_taken_over(store: ObjectStore) -> None:
    with StoreLock(store, {}, None, SECONDS).hold(0, lambda: None):
        other = StoreLock(store, {}, None, SECONDS)
        with pytest.raises(DestinationBusyError, match="another run is writing to s3://"), other.hold(6, lambda: None):
            pytest.fail("two runs held one store")


@pytest.mark.parametrize("shard", [None, "1-of-2"])
def test_the_lock_of_a_killed_run_is_taken_over_after_a_while(
    bucket: Bucket, store: ObjectStore, tmp_path: Path, shard: str | None
) -> None:
    with hold_in_a_process(bucket, store, tmp_path) as process:
        with pytest.raises(DestinationBusyError), store.lock(shard):
            pytest.fail("two runs held one store")
        process.kill()
    waits: list[str] = []
    with store.lock(shard, timeout=60, on_wait=lambda: waits.append("waits")) as run_id:
        assert waits == ["waits"]
        assert read_lock(store, f"{KEY}-{shard}" if shard else KEY)["run"] == run_id


def test_a_run_that_stood_still_writes_no_more_when_another_has_taken_over(
    bucket: Bucket, store: ObjectStore, tmp_path: Path
) -> None:
    with StoreLock(store, store._shared.leases, None, SECONDS).hold(0, lambda: None) as run_id:  # noqa: SLF001
        writer = store.with_run(run_id)
        writer.put("a.jpg", b"pixels")
        found = store.stat(KEY)
        assert found is not None
        # As another run does when this one is frozen.
        store.put(KEY, json.dumps({"run": "another", "seconds": 60, "process": "x"}).encode())
        wait_for(lambda: "another run has taken over" in refusal_of(writer))
        store.put("b.jpg", b"the store of another run is not affected")
    # The other's lock stays.
    assert read_lock(store)["run"] == "another"


def refusal_of(writer: ObjectStore) -> str:
    """Return why it may not write; empty if it may."""
    try:
        writer.put("a.jpg", b"pixels")
        writer.delete("a.jpg")
    except PermissionError as error:
        return str(error)
    return ""


def test_a_run_that_cannot_renew_its_lock_in_time_writes_no_more(bucket: Bucket, store: ObjectStore) -> None:
    with StoreLock(store, store._shared.leases, None, SECONDS).hold(0, lambda: None) as run_id:  # noqa: SLF001
        writer = store.with_run(run_id)
        with bucket.proxy.fail(Fault(Kind.STATUS, 10_000, ("PUT",), path="/.forkresize/lock")):
            wait_for(lambda: "could not be renewed" in refusal_of(writer))


@pytest.mark.parametrize("content", [b"", b"not JSON", b'{"run": 1}', b"\xff", b'{"run": "\xff"}'])
def test_a_lock_object_of_another_kind_holds_the_store_until_it_is_old(store: ObjectStore, content: bytes) -> None:
    store.put(KEY, content)
    with pytest.raises(DestinationBusyError), StoreLock(store, {}, None, SECONDS).hold(0, lambda: None):
        pytest.fail("two runs held one store")
    with StoreLock(store, {}, None, SECONDS).hold(30, lambda: None) as run_id:
        assert read_lock(store)["run"] == run_id


def test_of_many_runs_that_start_at_the_same_time_one_holds_the_store(store: ObjectStore) -> None:
    holders = 0
    most = 0
    counting = threading.Lock()
    failures: list[BaseException] = []

    def run(shard: str | None) -> None:
        nonlocal holders, most
        try:
            with store.lock(shard, timeout=60):
                with counting:
                    holders += 1
                    most = max(most, holders)
                store.put(f"{threading.get_ident()}.jpg", b"")
                with counting:
                    holders -= 1
        except BaseException as error:  # noqa: BLE001 -- it is raised below.
            failures.append(error)

    threads = [threading.Thread(target=run, args=(None,)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert most == 1


def test_a_store_that_cannot_be_written_cannot_be_held(bucket: Bucket, store: ObjectStore) -> None:
    fault = Fault(Kind.STATUS, 100, ("PUT",), 403, b"<Error><Code>AccessDenied</Code></Error>")
    with (
        bucket.proxy.fail(fault),
        pytest.raises(DestinationError, match=r"^s3://.*: access denied: check .* \(403 AccessDenied\)$"),
        store.lock(),
    ):
        pytest.fail("it was held")


def test_the_lock_of_a_run_that_is_interrupted_is_removed(bucket: Bucket, store: ObjectStore, tmp_path: Path) -> None:
    with hold_in_a_process(bucket, store, tmp_path) as process:
        process.send_signal(signal.SIGINT)
    assert store.stat(KEY) is None
