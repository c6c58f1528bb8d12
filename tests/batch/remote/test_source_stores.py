"""Sources, found by their paths in the stores of a run."""

from io import BytesIO
from pathlib import Path

import pytest

from forkresize.batch.remote.source_stores import SourceStores
from forkresize.job import Source
from forkresize.store import ChangedError, LocalStore
from tests.store.memory import MemoryStore


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore("photos")
    store.put("a/b.jpg", b"content")
    return store


def source(store: MemoryStore, key: str = "a/b.jpg") -> Source:
    found = store.stat(key)
    assert found
    return Source(store.location(key), key, found.size, found.mtime_ns, found.etag)


def test_paths_belong_to_the_store_with_their_beginning(store: MemoryStore) -> None:
    other = MemoryStore("photos-2")
    stores = SourceStores([store, other])
    assert stores.find("memory://photos/a//b.jpg") == (store, "a//b.jpg")
    assert stores.find("memory://photos-2/a.jpg") == (other, "a.jpg")
    local, key = stores.find("/srv/photos/a.jpg")
    assert (type(local), key) == (LocalStore, "/srv/photos/a.jpg")


def test_object_is_fetched_if_it_is_the_one_that_was_found(store: MemoryStore) -> None:
    stores, file = SourceStores([store]), BytesIO()
    stores.fetch(source(store), file)
    assert file.getvalue() == b"content"
    before = source(store)
    store.put("a/b.jpg", b"changed")
    with pytest.raises(ChangedError):
        stores.fetch(before, file)
    now = stores.refresh(before)
    assert now.etag == source(store).etag != before.etag
    stores.fetch(now, file)
    assert file.getvalue() == b"changed"


def test_local_file_is_fetched_too(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"local")
    status = (tmp_path / "a.jpg").stat()
    stores, file = SourceStores([]), BytesIO()
    stores.fetch(Source(str(tmp_path / "a.jpg"), "a.jpg", 5, status.st_mtime_ns), file)
    assert file.getvalue() == b"local"


def test_object_that_is_gone_is_not_found(store: MemoryStore) -> None:
    before = source(store)
    store.delete("a/b.jpg")
    with pytest.raises(FileNotFoundError):
        SourceStores([store]).refresh(before)


def test_first_bytes_show_whether_an_object_may_be_a_picture(store: MemoryStore) -> None:
    stores = SourceStores([store])
    assert not stores.may_be_picture(source(store))
    store.put("c", b"\x89PNG\r\n\x1a\n" + bytes(100))
    assert stores.may_be_picture(source(store, "c"))
