"""Transfers through a network and a store that fail: they survive, or end with an error that names the object."""

import errno
import hashlib
import threading
import time
from collections.abc import Callable
from io import BytesIO

import pytest

from forkresize.store import ChangedError, PutOptions
from forkresize.store.objects.store import ObjectStore
from tests.servers.fault_proxy import Fault, Kind
from tests.servers.program import uses
from tests.store.buckets import OPTIONS, Bucket

pytestmark = [*uses("ministack"), pytest.mark.slow]

DATA = hashlib.shake_256(b"pixels").digest(300_000)

PASSING = [
    pytest.param(Fault(Kind.STATUS, 2, status=503), id="503"),
    pytest.param(Fault(Kind.STATUS, 2, status=500, body=b""), id="500"),
    pytest.param(Fault(Kind.STATUS, 2, status=429, body=b""), id="429"),
    pytest.param(Fault(Kind.STATUS, 2, status=502, body=b"<html>bad gateway</html>"), id="502"),
    pytest.param(Fault(Kind.CUT, 2), id="cut"),
    pytest.param(Fault(Kind.CUT_ANSWER, 2), id="cut-answer"),
    pytest.param(Fault(Kind.STALL, 1), id="stall"),
    pytest.param(Fault(Kind.STALL_ANSWER, 1), id="stall-answer"),
    pytest.param(Fault(Kind.SHORT, 2), id="short"),
]
"""Faults that are over after some requests."""

LASTING = [
    (Fault(Kind.STATUS, 99, status=503), errno.EBUSY, r"asks for fewer requests.*\(503 SlowDown\); tried 4 times"),
    (Fault(Kind.STATUS, 99, status=429, body=b""), errno.EBUSY, r"asks for fewer requests.*\(429\); tried 4 times"),
    (Fault(Kind.STATUS, 99, status=500, body=b""), errno.EIO, r"the store failed \(500\); tried 4 times"),
    (Fault(Kind.CUT, 99), errno.ECONNRESET, "connection to the store was lost; tried 4 times"),
    (
        Fault(Kind.STATUS, 99, status=403, body=b"<Error><Code>AccessDenied</Code></Error>"),
        errno.EACCES,
        "access denied",
    ),
]
ODD = "a\n.jpg"
"""A key that goes through boto3."""


@pytest.mark.parametrize("key", ["a b/c.jpg", ODD])
@pytest.mark.parametrize("fault", PASSING)
def test_a_fetch_survives(bucket: Bucket, store: ObjectStore, fault: Fault, key: str) -> None:
    store.put(key, DATA)
    found = store.stat(key)
    content = BytesIO()
    with bucket.proxy.fail(fault._replace(methods=("GET",))):
        assert store.fetch(key, content, found) == found
        assert len(bucket.proxy.requests) > 1
    assert content.getvalue() == DATA


@pytest.mark.parametrize("key", ["a b/c.jpg", ODD])
@pytest.mark.parametrize("fault", PASSING)
def test_a_put_survives(bucket: Bucket, store: ObjectStore, fault: Fault, key: str) -> None:
    with bucket.proxy.fail(fault._replace(methods=("PUT",))):
        put = store.put(key, DATA)
        # The answer to a put has no body that could be short.
        assert len(bucket.proxy.requests) > 1 or fault.kind is Kind.SHORT
    found = store.stat(key)
    assert found is not None
    assert found.is_same(put)
    assert [info.key for info in store.scan()] == [key]


@pytest.mark.parametrize("key", ["a b/c.jpg", ODD])
@pytest.mark.parametrize("fault", PASSING)
def test_conditional_puts_survive_although_an_earlier_attempt_may_have_succeeded(
    bucket: Bucket, store: ObjectStore, fault: Fault, key: str
) -> None:
    with bucket.proxy.fail(fault._replace(methods=("PUT",))):
        first = store.put(key, DATA, PutOptions(create=True))
        with pytest.raises(FileExistsError):
            store.put(key, b"other", PutOptions(create=True))
    with bucket.proxy.fail(fault._replace(methods=("PUT",))):
        store.put(key, DATA[1:], PutOptions(replaces=first))
        with pytest.raises(ChangedError):
            store.put(key, b"other", PutOptions(replaces=first))
    with store.open(key) as file:
        assert file.read() == DATA[1:]


@pytest.mark.parametrize("fault", PASSING)
def test_a_listing_survives_without_a_gap_or_a_repetition(bucket: Bucket, store: ObjectStore, fault: Fault) -> None:
    keys = [f"{number}.jpg" for number in range(5)]
    for key in keys:
        store.put(key, b"")
    with bucket.proxy.fail(fault):
        assert [info.key for info in store.scan()] == keys
        assert len(bucket.proxy.requests) > 1


@pytest.mark.parametrize("fault", PASSING)
def test_status_and_removal_survive(bucket: Bucket, store: ObjectStore, fault: Fault) -> None:
    store.put("a.jpg", DATA)
    with bucket.proxy.fail(fault._replace(methods=("HEAD",))):
        assert store.stat("a.jpg") is not None
    with bucket.proxy.fail(fault._replace(methods=("DELETE",))):
        store.delete("a.jpg")
    assert store.stat("a.jpg") is None


@pytest.mark.parametrize("key", ["c.jpg", ODD])
@pytest.mark.parametrize(("fault", "code", "text"), LASTING)
def test_a_lasting_fault_ends_with_an_error_that_names_the_object_and_what_to_do(
    bucket: Bucket, store: ObjectStore, fault: Fault, code: int, text: str, key: str
) -> None:
    store.put(key, DATA)
    actions: list[Callable[[], object]] = [
        lambda: store.fetch(key, BytesIO()),
        lambda: store.put(key, DATA),
        lambda: store.put(key, DATA, PutOptions(create=True)),
    ]
    with bucket.proxy.fail(fault):
        for action in actions:
            with pytest.raises(OSError, match=text) as error:
                action()
            assert error.value.errno == code
            assert error.value.filename == store.location(key)
            assert bucket.server.secret_key not in str(error.value)
            assert bucket.server.access_key not in str(error.value)
            assert error.value.__cause__ is None
            assert error.value.__suppress_context__
    with store.open(key) as file:
        assert file.read() == DATA


def test_a_stalled_request_ends_within_its_time_limits(bucket: Bucket, store: ObjectStore) -> None:
    store.put("a.jpg", DATA)
    started = time.monotonic()
    with (
        bucket.proxy.fail(Fault(Kind.STALL_ANSWER, 99)),
        pytest.raises(TimeoutError, match=r"did not answer in time; tried 4 times: 's3://"),
    ):
        store.fetch("a.jpg", BytesIO())
    attempts = OPTIONS.retries + 1
    assert time.monotonic() - started < attempts * OPTIONS.timeout + 10


def test_a_store_that_does_not_run_is_named(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    from forkresize.store.objects import StoreOptions, open_store

    for variable, value in bucket.server._replace(endpoint="http://127.0.0.1:9").env.items():
        monkeypatch.setenv(variable, value)
    store = open_store("s3://photos/in", StoreOptions(retries=1, first_delay=0.01))
    actions: list[Callable[[], object]] = [lambda: store.stat("a.jpg"), lambda: next(store.scan())]
    for action in actions:
        with pytest.raises(ConnectionRefusedError, match=r"refuses connections: check the endpoint.*tried 2 times"):
            action()


def test_an_object_that_is_replaced_between_two_attempts_is_not_mixed(bucket: Bucket, store: ObjectStore) -> None:
    store.put("a.jpg", DATA * 10)
    found = store.stat("a.jpg")
    replaced = threading.Event()

    class Replacing(BytesIO):
        def write(self, data: object, /) -> int:
            if not replaced.is_set():
                replaced.set()
                store.put("a.jpg", DATA[::-1] * 10)
            return super().write(data)  # type: ignore[arg-type]

    with bucket.proxy.fail(Fault(Kind.CUT_ANSWER, 1, ("GET",))), pytest.raises(ChangedError):
        store.fetch("a.jpg", Replacing(), found)
    assert replaced.is_set()


def test_what_an_endpoint_says_is_not_repeated(bucket: Bucket, store: ObjectStore) -> None:
    body = f"<Error><Code>Odd</Code><Message>{bucket.server.secret_key}</Message></Error>".encode()
    actions: list[Callable[[], object]] = [
        lambda: store.put("a.jpg", b""),
        lambda: store.open(ODD),
        lambda: next(store.scan()),
    ]
    for status in (400, 403, 404, 409, 412, 418, 501):
        with bucket.proxy.fail(Fault(Kind.STATUS, 99, status=status, body=body)):
            for action in actions:
                with pytest.raises(OSError, match=f"{status}|changed|exists") as error:
                    action()
                assert bucket.server.secret_key not in repr(error.value)
