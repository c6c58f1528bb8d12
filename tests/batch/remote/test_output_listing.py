"""What is in a destination, from one listing."""

import os
import threading
from collections.abc import Iterator
from unittest.mock import Mock

import pytest

from forkresize.batch.remote.output_listing import ListedOutputs, OutputListing
from forkresize.errors import DestinationError
from forkresize.store import ObjectInfo
from tests.store.memory import MemoryStore


class SlowStore(MemoryStore):
    def __init__(self) -> None:
        super().__init__("web")
        self.go_on = threading.Event()

    def scan(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        self.go_on.wait(20)
        yield from super().scan(prefix, after)


def wait_for(listing: OutputListing) -> int:
    return sum(1 for _ in listing.wait())


def test_outputs_are_known_without_asking_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore("web")
    for number in range(1500):
        store.put(f"{number}.jpg", b"x" * number)
    listing = OutputListing(store)
    wait_for(listing)
    monkeypatch.setattr(store, "stat", lambda *_: pytest.fail("asked"))
    placed: dict[str, ObjectInfo] = {}
    outputs = ListedOutputs(listing, placed)
    outputs.prefetch(["7.jpg", "missing.jpg"])
    for key, size in (("7.jpg", 7), ("8.jpg", 8)):
        found = outputs.stat(key)
        assert found is not None
        assert (found.size, bool(found.etag)) == (size, True)
    assert outputs.stat("missing.jpg") is None
    placed["7.jpg"] = ObjectInfo("7.jpg", 99, 1, 1)
    assert outputs.stat("7.jpg") == placed["7.jpg"]
    listing.close()


def test_what_was_looked_up_is_kept_while_the_next_sources_are(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore("web")
    for name in ("a", "b", "c"):
        store.put(name, b"x")
    listing = OutputListing(store)
    wait_for(listing)
    outputs = ListedOutputs(listing, {})
    asked = Mock(wraps=listing.get)
    monkeypatch.setattr(listing, "get", asked)
    for keys in (["a"], ["b", "missing"], ["c"]):
        outputs.prefetch(keys)
    assert [outputs.stat(key) is not None for key in ("b", "missing", "c")] == [True, False, True]
    asked.assert_not_called()
    assert outputs.stat("a") is not None
    asked.assert_called_once_with("a")
    listing.close()


def test_a_listing_that_takes_long_does_not_hold_up_the_run() -> None:
    store = SlowStore()
    store.put("a", b"x")
    listing = OutputListing(store)
    waiting = listing.wait()
    next(waiting)
    next(waiting)
    store.go_on.set()
    list(waiting)
    assert listing.get("a") is not None
    listing.close()


def test_destination_that_cannot_be_listed_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(*_: object) -> Iterator[ObjectInfo]:
        raise PermissionError(13, os.strerror(13))

    store = MemoryStore("web")
    monkeypatch.setattr(store, "scan", deny)
    listing = OutputListing(store)
    with pytest.raises(DestinationError, match=r"memory://web/: Permission denied"):
        wait_for(listing)
    listing.close()


def test_end_of_the_run_ends_the_listing() -> None:
    store = MemoryStore("web")
    before = len(os.listdir("/dev/fd"))
    listing = OutputListing(store)
    wait_for(listing)
    listing.close()
    assert len(os.listdir("/dev/fd")) <= before


def test_what_was_put_before_the_listing_is_waited_for_is_listed() -> None:
    store = MemoryStore("web")
    listing = OutputListing(store)
    store.put("by-another-run", b"x")
    wait_for(listing)
    assert listing.get("by-another-run") is not None
    listing.close()


def test_a_listing_that_nothing_waited_for_leaves_no_descriptors() -> None:
    before = len(os.listdir("/dev/fd"))
    OutputListing(MemoryStore("web")).close()
    assert len(os.listdir("/dev/fd")) <= before
