"""Stores in memory whose transfers can be observed, and runs between them."""

from collections.abc import Callable, Iterable
from typing import BinaryIO

from forkresize.batch.remote.renderer import PackedRecipe
from forkresize.batch.remote.transfers import TransferExecutor
from forkresize.batch.results import outcomes_from_result
from forkresize.job import Job, Output, Source
from forkresize.outcome import Outcome
from forkresize.pool import NothingYet
from forkresize.recipe import Recipe
from forkresize.store import PLAIN, ObjectInfo, PutOptions
from tests.store.memory import MemoryStore

RECIPE = PackedRecipe.of(Recipe.of(width=(16, 32), format="webp"))
Start = Callable[..., TransferExecutor]
DrawBytes = Callable[..., bytes]


class ObservedStore(MemoryStore):
    """A store in memory that calls a function before each transfer."""

    before: Callable[[str, str], object] = staticmethod(lambda _operation, _key: None)

    def fetch(self, key: str, file: BinaryIO, expected: ObjectInfo | None = None) -> ObjectInfo:
        self.before("fetch", key)
        return super().fetch(key, file, expected)

    def put(self, key: str, data: bytes | memoryview, options: PutOptions = PLAIN) -> ObjectInfo:
        self.before("put", key)
        return super().put(key, data, options)


def outputs(relative: str) -> tuple[Output, ...]:
    return tuple(Output(f"{relative}-{number}.webp", number) for number in range(2))


def jobs(store: MemoryStore) -> list[Job]:
    return [
        Job(Source(store.location(each.key), each.key, each.size, each.mtime_ns, each.etag), outputs(each.key))
        for each in store.scan()
    ]


def run(executor: TransferExecutor, items: Iterable[Job | NothingYet], store: MemoryStore) -> list[Outcome]:
    return [outcome for result in executor.run(items) for outcome in outcomes_from_result(result, store)]


def fill(store: MemoryStore, draw_bytes: DrawBytes, count: int = 5) -> None:
    data = draw_bytes(size=(64, 48))
    for number in range(count):
        store.put(f"trip/{number}.jpg", data)
