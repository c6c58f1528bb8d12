"""What object stores add to what all stores do."""

import errno
import json
import traceback
import urllib.request
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forkresize.store import Capabilities, ObjectInfo, PutOptions
from forkresize.store.objects import StoreOptions, obstore_client, open_store
from forkresize.store.objects.store import ObjectStore
from forkresize.urls import parse_store_url
from tests.servers.fault_proxy import Fault, Kind
from tests.servers.program import uses
from tests.store.buckets import Bucket, open_bucket


class Listing:
    """A client of a store that lists what a test says."""

    def __init__(self, *pages: list[str]) -> None:
        self.pages = pages

    def list_pages(self, prefix: str, after: str) -> Iterator[list[ObjectInfo]]:  # noqa: ARG002 -- it begins anew.
        for page in self.pages:
            yield [ObjectInfo(prefix + key, 1, 0, 0, etag="x") for key in page]

    def get(self, name: str, file: BinaryIO, expected: ObjectInfo | None) -> ObjectInfo:
        raise NotImplementedError

    def head(self, name: str) -> ObjectInfo | None:
        raise NotImplementedError

    def put(self, name: str, data: bytes | memoryview, options: PutOptions) -> ObjectInfo:
        raise NotImplementedError

    def delete(self, name: str) -> None:
        raise NotImplementedError

    def delete_many(self, names: Sequence[str]) -> dict[str, OSError]:
        raise NotImplementedError


def open_listing(*pages: list[str], is_ordered: bool = True) -> ObjectStore:
    url = parse_store_url("s3://photos/in")
    return ObjectStore.over(url, Listing(*pages), StoreOptions(), Capabilities(ordered_listing=is_ordered))


def test_pages_are_one_listing() -> None:
    assert [info.key for info in open_listing(["a", "b"], [], ["c"]).scan()] == ["a", "b", "c"]


@pytest.mark.parametrize("pages", [(["b", "a"],), (["b"], ["a"]), (["a"], ["a"])])
def test_a_listing_that_claims_an_order_and_has_none_is_an_error(pages: tuple[list[str], ...]) -> None:
    with pytest.raises(OSError, match="lists its objects out of order: it is not supported: 's3://photos/in'"):
        [*open_listing(*pages).scan()]
    found = [info.key for info in open_listing(*pages, is_ordered=False).scan()]
    assert found == [key for page in pages for key in page]


def test_no_object_can_be_dated() -> None:
    with pytest.raises(OSError, match="sets the times of its objects"):
        open_listing().set_mtime("a.jpg", 0)


@pytest.mark.slow
@pytest.mark.server
@pytest.mark.xdist_group("ministack")
def test_an_object_is_served_with_its_headers(bucket: Bucket, store: ObjectStore) -> None:
    options = PutOptions(
        cache_control="public, max-age=31536000, immutable",
        metadata={"source": "in/a.jpg", "Content-Disposition": "inline"},
    )
    for key, expected in (("a.avif", "image/avif"), ("b\n.webp", "image/webp")):
        store.put(key, b"pixels", options)
        url = f"{bucket.server.endpoint}/{bucket.store.url.bucket}/{store.url.prefix}/{key}"
        quoted = urllib.request.quote(url, safe=":/")  # type: ignore[attr-defined]
        with urllib.request.urlopen(quoted, timeout=10) as answer:  # noqa: S310 -- it is an http URL.
            headers = answer.headers
        assert headers["Content-Type"] == expected
        assert headers["Cache-Control"] == options.cache_control
        assert headers["Content-Disposition"] == "inline"
        assert headers["x-amz-meta-source"] == "in/a.jpg"
    store.put("c.jpg", b"pixels", PutOptions(content_type="image/x-own"))


@pytest.mark.slow
@pytest.mark.server
@pytest.mark.xdist_group("ministack")
@pytest.mark.parametrize(("limit", "requests"), [(64 << 20, {"PUT"}), (1 << 20, {"PUT", "POST"})])
def test_a_large_object_appears_at_once_also_when_it_is_sent_in_parts(
    bucket: Bucket, store: ObjectStore, monkeypatch: pytest.MonkeyPatch, limit: int, requests: set[str]
) -> None:
    monkeypatch.setattr(obstore_client, "LARGE", limit)
    data = bytes(range(256)) * 4096 * 12
    with bucket.proxy.fail():
        put = store.put("large.tiff", memoryview(data))
        assert {method for method, _ in bucket.proxy.requests} == requests
    content = BytesIO()
    assert store.fetch("large.tiff", content).is_same(put)
    assert content.getvalue() == data
    again = store.put("large.tiff", data, PutOptions(replaces=put))
    found = store.stat("large.tiff")
    assert found is not None
    assert found.is_same(again)


@pytest.mark.slow
@pytest.mark.server
@pytest.mark.xdist_group("ministack")
def test_a_probe_leaves_nothing(store: ObjectStore) -> None:
    assert store.probe().conditional_put
    assert [*store.scan(".forkresize/")] == []


@pytest.mark.slow
@pytest.mark.server
@pytest.mark.xdist_group("azurite")
def test_a_key_that_azure_would_change_is_refused(request: pytest.FixtureRequest) -> None:
    with open_bucket(request.getfixturevalue("azurite")) as bucket:
        store = bucket.new_store()
        for key in ("a\\b.jpg", "a./b.jpg", "a.", "\uffff", "a\nb.jpg"):
            with pytest.raises(OSError, match=r"key") as error:
                store.put(key, b"")
            assert error.value.errno == errno.EINVAL
        assert [*store.scan()] == []


@pytest.mark.slow
@pytest.mark.server
@pytest.mark.xdist_group("azurite")
def test_a_listing_without_order_survives(request: pytest.FixtureRequest) -> None:
    with open_bucket(request.getfixturevalue("azurite")) as bucket:
        store = bucket.new_store()
        for number in range(5):
            store.put(f"{number}.jpg", b"")
        for fault in (Fault(Kind.STATUS, 2), Fault(Kind.CUT, 2), Fault(Kind.STALL, 1)):
            with bucket.proxy.fail(fault):
                assert sorted(info.key for info in store.scan()) == [f"{number}.jpg" for number in range(5)]
                assert len(bucket.proxy.requests) > 1
        with bucket.proxy.fail(Fault(Kind.STATUS, 99)), pytest.raises(OSError, match="asks for fewer requests"):
            [*store.scan()]


EVERY_SERVER = [
    pytest.param("ministack", True, marks=uses("ministack")),
    pytest.param("swift", False, marks=uses("swift")),
    pytest.param("localbucket", False, marks=uses("localbucket")),
    pytest.param("azurite", True, marks=uses("azurite")),
]


@pytest.mark.slow
@pytest.mark.parametrize(("server", "expected"), EVERY_SERVER)
def test_a_probe_shows_which_servers_respect_conditions(
    server: str, expected: bool, request: pytest.FixtureRequest
) -> None:
    with open_bucket(request.getfixturevalue(server)) as bucket:
        assert bucket.store.probe().conditional_put == expected


@pytest.mark.slow
@pytest.mark.server
@pytest.mark.xdist_group("swift")
def test_a_wrong_secret_is_refused_by_a_server_that_checks_it(request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue("swift")
    secret = "not-the-secret"  # noqa: S105 -- a wrong one.
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in server._replace(secret_key=secret).env.items():
            patch.setenv(variable, value)
        store = open_store("s3://photos/in", StoreOptions(retries=0))
    for action in (
        lambda: next(store.scan()),
        lambda: store.stat("a.jpg"),
        lambda: store.put("a.jpg", b""),
        lambda: store.open("a\n.jpg"),
    ):
        with pytest.raises(
            PermissionError, match=r"access denied: check the credentials, and what they permit \(403"
        ) as error:
            action()
        shown = "".join(traceback.format_exception(error.value))
        assert secret not in shown
        assert server.access_key not in shown


@pytest.mark.slow
@settings(deadline=None, max_examples=8)
@given(secret=st.text("ABCabc/+=0123", min_size=20, max_size=40), key=st.text("ab/ ", min_size=1, max_size=5))
def test_no_credential_is_in_what_a_store_shows(secret: str, key: str) -> None:
    env = {
        "AWS_ACCESS_KEY_ID": f"AKIA{secret[:12]}",
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_SESSION_TOKEN": f"token{secret}",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_REGION": "us-east-1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in env.items():
            patch.setenv(variable, value)
        store = open_store("s3://photos/in", StoreOptions(retries=0, connect_timeout=1))
    with pytest.raises(OSError, match=r".") as error:
        store.stat(key)
    shown = [repr(store), str(store), store.location(key), "".join(traceback.format_exception(error.value))]
    shown.append(json.dumps([str(each) for each in vars(store).values()]))
    assert not any(secret in text or env["AWS_ACCESS_KEY_ID"] in text for text in shown)
