"""The keys of a root are listed page by page, and nothing outside the root or of the state directory."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import convert
from msgspec.json import decode, encode
from msgspec.structs import replace

from forkresize.gateway import listing
from forkresize.gateway.listing import KeyPage, KeysQuery, list_keys
from forkresize.store import InvalidKeyError, ObjectInfo, SourceStore
from forkresize.store.confined import ConfinedStore
from tests.gateway.conftest import Gateway, StartGateway


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with pictures, other files, links, and what forkresize keeps for itself."""
    root = tmp_path / "root"
    for name in ("b.jpg", "a/1.JPG", "a/2.webp", "a/notes.txt", "a-b.png", ".forkresize/id.jpg", "ü.avif"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"12345")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.jpg").touch()
    (root / "link").symlink_to(tmp_path / "outside")
    (root / "inner").symlink_to(root / "a")
    return root


@pytest.fixture
def store(root: Path) -> SourceStore:
    return ConfinedStore(str(root))


def keys(store: SourceStore, **query: str | int) -> list[str]:
    return [key.key for key in list_keys(store, convert(query, KeysQuery)).keys]


def test_pictures_are_listed_in_the_order_of_their_keys(store: SourceStore) -> None:
    assert keys(store) == ["a-b.png", "a/1.JPG", "a/2.webp", "b.jpg", "ü.avif"]


@pytest.mark.parametrize(("seconds", "year"), [(10**14, 9999), (-(10**14), 1), (1_700_000_000, 2023)])
def test_a_time_that_json_cannot_write_is_the_nearest_that_it_can(root: Path, seconds: int, year: int) -> None:
    class FarAway(ConfinedStore):
        def scan(self, *arguments: Any, **options: Any) -> Iterator[ObjectInfo]:
            for info in super().scan(*arguments, **options):
                yield replace(info, mtime_ns=seconds * 10**9)

    page = list_keys(FarAway(str(root)), KeysQuery(limit=1))
    assert decode(encode(page), type=KeyPage).keys[0].modified.year == year


def test_every_page_continues_after_the_one_before(store: SourceStore) -> None:
    found, after = [], ""
    while True:
        page = list_keys(store, KeysQuery(after=after, limit=2))
        found += [key.key for key in page.keys]
        if page.next is None:
            break
        assert len(page.keys) == 2
        after = page.next
    assert found == keys(store)


def test_a_page_ends_after_a_number_of_other_objects(
    root: Path, store: SourceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(10):
        (root / f"{number}.txt").touch()
    monkeypatch.setattr(listing, "_EXAMINED", 4)
    page = list_keys(store, KeysQuery())
    assert (page.keys, page.next) == ([], "3.txt")


def test_a_page_ends_after_a_time(store: SourceStore) -> None:
    page = list_keys(store, KeysQuery(), seconds=0)
    assert ([key.key for key in page.keys], page.next) == (["a-b.png"], "a-b.png")
    page = list_keys(store, KeysQuery(after="a-b.png"), seconds=0)
    assert ([key.key for key in page.keys], page.next) == (["a/1.JPG"], "a/1.JPG")


@pytest.mark.parametrize(
    ("query", "read"),
    [
        ({"prefix": "b"}, ["", "b/"]),
        ({"prefix": "d/x"}, ["d/", "d/x/"]),
        ({"after": "d/x/2.jpg"}, ["", "d/", "d/x/", "d/y/", "e/"]),
        ({"limit": 1}, ["", "a/"]),
    ],
)
def test_only_directories_that_may_have_keys_of_the_page_are_read(
    query: dict[str, Any], read: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a/1.jpg", "a/2.jpg", "b/1.jpg", "c/1.jpg", "d/x/2.jpg", "d/x/3.jpg", "d/y/1.jpg", "e/1.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found, scandir = list[str](), os.scandir

    def note(path: str) -> Any:
        found.append(path.removeprefix(f"{tmp_path}/"))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", note)
    assert keys(ConfinedStore(str(tmp_path)), **query)
    assert found == read


@pytest.mark.parametrize("prefix", ["a/", "a/1", "a-"])
def test_a_prefix_selects(prefix: str, store: SourceStore) -> None:
    assert keys(store, prefix=prefix) == [key for key in keys(store) if key.startswith(prefix)] != []


@pytest.mark.parametrize("prefix", ["link/", "link/s", "inner/", ".forkresize/", "a/notes.txt/", "none/"])
def test_nothing_is_listed_below_links_and_internal_directories(prefix: str, store: SourceStore) -> None:
    assert keys(store, prefix=prefix) == []


@pytest.mark.parametrize("prefix", ["../", "../outside/", "a/../../outside/", "/", "//", "./"])
def test_a_prefix_that_leads_out_is_refused(prefix: str, store: SourceStore) -> None:
    with pytest.raises(InvalidKeyError):
        keys(store, prefix=prefix)


def test_names_that_json_cannot_hold_are_left_out(root: Path, store: SourceStore) -> None:
    before = keys(store)
    for name in (b"\xff.jpg", b"a\n.jpg"):
        os.close(os.open(os.fsencode(root) + b"/" + name, os.O_CREAT | os.O_WRONLY))
    assert keys(store) == before


@pytest.mark.parametrize("limit", [1, 2, 100])
@pytest.mark.parametrize("examined", [1, 2, 3])
def test_pages_end_among_names_that_json_cannot_hold_and_leave_no_key_out(
    examined: int, limit: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_EXAMINED", examined)
    names = [b"a\n.jpg", b"a\n\n.jpg", b"a .jpg", b"a\x1f/1.jpg", b"a\x7f.jpg", b"a\x7f~.jpg", b"b\xc3.jpg",
             b"b\xe4.jpg", b"b\xed\xa0\x80.jpg", b"b\xee\x80\x80.jpg", b"b\xf5.jpg", b"b\xff\xff.jpg", b"b/\xfc.jpg",
             b"b0.jpg", b"c.jpg", b"d.jpf\xff.jpg", b"d.jpg", b"\xfc.jpg", b"\xff.jpg"]  # fmt: skip
    for name in names:
        path = os.fsencode(tmp_path) + b"/" + name
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
    store = ConfinedStore(str(tmp_path))
    pages = [list_keys(store, KeysQuery(limit=limit))]
    while (after := pages[-1].next) is not None:
        pages.append(list_keys(store, KeysQuery(after=after, limit=limit)))
        following = pages[-1].next
        assert following is None or following.encode() > after.encode()
        assert len(pages) < 100
    encode(pages)
    found = [key.key for page in pages for key in page.keys]
    assert found == ["a .jpg", "b0.jpg", "b\ue000.jpg", "c.jpg", "d.jpg"]


def test_a_key_has_its_size_and_time(root: Path, store: SourceStore) -> None:
    os.utime(root / "b.jpg", (1_700_000_000, 1_700_000_000))
    [key] = list_keys(store, KeysQuery(prefix="b")).keys
    assert (key.size, key.modified.isoformat()) == (5, "2023-11-14T22:13:20+00:00")


@pytest.mark.slow
def test_a_gateway_lists_its_roots_and_their_keys(tmp_path: Path, start_gateway: StartGateway) -> None:
    (tmp_path / "below").mkdir()
    for name in ("one.jpg", "two.png", "below/three.jpg"):
        (tmp_path / name).touch()
    gateway = start_gateway("--root", f"photos={tmp_path}", "--unsigned")
    assert gateway.client.get("/v1/roots").json() == {"roots": [{"name": "photos"}]}
    page = gateway.client.get("/v1/roots/photos/keys", params={"limit": 2}).json()
    assert ([key["key"] for key in page["keys"]], page["next"]) == (["below/three.jpg", "one.jpg"], "one.jpg")
    last = gateway.client.get("/v1/roots/photos/keys", params={"after": page["next"]}).json()
    assert ([key["key"] for key in last["keys"]], last["next"]) == (["two.png"], None)


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("/v1/roots/none/keys", 404, "root"),
        ("/v1/roots/photos/keys?limit=0", 400, "limit"),
        ("/v1/roots/photos/keys?prefix=..%2F", 400, "prefix"),
        ("/v1/roots/photos/keys?prefix=%00", 400, "prefix"),
    ],
)
def test_a_wrong_question_is_refused_with_its_field(path: str, status: int, field: str, gateway: Gateway) -> None:
    response = gateway.client.get(path)
    assert (response.status_code, response.json()["field"]) == (status, field)
