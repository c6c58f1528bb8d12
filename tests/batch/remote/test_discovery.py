"""The sources of a run, listed once from stores and directories."""

from pathlib import Path
from typing import Any

import pytest

from forkresize.batch.remote.discovery import AnyRoot, ObjectRoot, RemoteDiscovery
from forkresize.batch.remote.guard import PrefixGuard
from forkresize.errors import SourceError
from forkresize.job import Source
from forkresize.walk import Root, Rule, Selection
from tests.store.memory import MemoryStore


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore("photos")
    for key in ("a.jpg", "trip/b.jpg", "trip/c.jpg", ".hidden.jpg", "web/a.jpg"):
        store.put(key, key.encode())
    return store


def discover(*roots: AnyRoot, destination: str = "memory://web", **selection: Any) -> RemoteDiscovery:
    trees = [root.path for root in roots if isinstance(root, Root) or not root.key]
    guard = PrefixGuard(trees, destination)
    return RemoteDiscovery([root.path for root in roots], roots, Selection(**selection), guard, bool)


def names(discovery: RemoteDiscovery) -> list[str]:
    return [each.relative for each in discovery.all_sources()]


def test_objects_are_sources_with_what_identifies_them(store: MemoryStore) -> None:
    discovery = discover(ObjectRoot(store, "", ""))
    first = next(iter(discovery.all_sources()))
    info = store.stat("a.jpg")
    assert info is not None
    assert first == Source("memory://photos/a.jpg", "a.jpg", 5, info.mtime_ns, info.etag, info.version)  # type: ignore[arg-type]
    assert names(discovery) == ["a.jpg", "trip/b.jpg", "trip/c.jpg", "web/a.jpg"]


def test_selection_and_the_destination_leave_out_objects(store: MemoryStore) -> None:
    root = ObjectRoot(store, "", "")
    assert names(discover(root, rules=(Rule(False, "trip/"),))) == ["a.jpg", "web/a.jpg"]
    assert names(discover(root, destination="memory://photos/web")) == ["a.jpg", "trip/b.jpg", "trip/c.jpg"]
    assert names(discover(root, hidden=True, recursive=False)) == [".hidden.jpg", "a.jpg"]
    assert len(list(discover(root, rules=(Rule(False, "trip/"),)).all_objects())) == 5


def test_several_sources_keep_their_names(store: MemoryStore, tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_bytes(b"x")
    discovery = discover(ObjectRoot(store, "a.jpg", "a.jpg"), Root(str(tmp_path), "local"), ObjectRoot(store, "", "in"))
    assert names(discovery)[:3] == ["a.jpg", "local/x.jpg", "in/a.jpg"]
    assert discovery.keeps_names_apart
    assert list(discovery.single_files()) == ["memory://photos/a.jpg"]
    assert discovery.directories() == {"memory://photos", str(tmp_path)}
    assert discovery.is_listed("memory://photos/zzz.jpg")


def test_store_is_listed_once(store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    scans: list[int] = []
    scan = store.scan

    def count_scans(*_: object) -> object:
        scans.append(1)
        return scan()

    monkeypatch.setattr(store, "scan", count_scans)
    discovery = discover(ObjectRoot(store, "", ""))
    assert names(discovery) == names(discovery)
    assert len(list(discovery.follow())) >= 4
    assert scans == [1]


def test_store_that_cannot_be_listed_is_an_error_with_its_url(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deny(*_: object) -> None:
        raise PermissionError(13, "access denied")

    monkeypatch.setattr(store, "scan", deny)
    with pytest.raises(SourceError, match=r"'memory://photos/' cannot be listed: access denied"):
        names(discover(ObjectRoot(store, "", "")))


def test_object_that_is_missing_is_an_error(store: MemoryStore) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        names(discover(ObjectRoot(store, "missing.jpg", "missing.jpg")))
