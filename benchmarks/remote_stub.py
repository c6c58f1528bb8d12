"""A stub of the store protocol that lists any number of objects, and a run over them that finds all unchanged."""

import json
import os
import tempfile
from collections.abc import Iterator

from forkresize import Recipe, Settings, prepare
from forkresize.batch.remote import prepare as remote_prepare
from forkresize.store import ObjectInfo
from tests.store.memory import MemoryStore

IN_A_FOLDER = 1000


class EndlessStore(MemoryStore):
    """A store whose objects are made up while they are listed.

    Args:
        url: of the store.
        count: how many objects there are.
        mtime_ns: their modification time.
    """

    def __init__(self, url: str, count: int, mtime_ns: int) -> None:
        super().__init__()
        self._url = url
        self._count = count
        self._mtime_ns = mtime_ns

    def location(self, key: str) -> str:
        """Return the URL of a key."""
        return f"{self._url}/{key}" if key else self._url

    def scan(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:  # noqa: ARG002  All of them.
        """Yield objects in the order of their keys."""
        for number in range(self._count):
            key = f"{number // IN_A_FOLDER:06}/IMG_{number % IN_A_FOLDER:04}.jpg"
            yield ObjectInfo(key, 1000 + number % 7, self._mtime_ns, self._mtime_ns, etag=f"{number:032x}")


def run_unchanged(count: int) -> str:
    """Run over so many objects with outputs that are newer; return how many outputs there are, by status, as JSON."""
    stores = {url: EndlessStore(url, count, time) for url, time in (("s3://photos/in", 1), ("s3://web/out", 2))}

    def open_store(url: str) -> EndlessStore:
        return stores.get(url) or EndlessStore(url, 0, 1)

    vars(remote_prepare)["open_store"] = open_store
    with tempfile.TemporaryDirectory() as state:
        os.environ["XDG_STATE_HOME"] = state
        plan = prepare(["s3://photos/in/"], "s3://web/out", Recipe.of(width=16), Settings())
        summary = plan.execute()
    return json.dumps({"unchanged": summary.unchanged, "written": summary.written, "failed": summary.failed})
