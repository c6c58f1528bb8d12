"""The stages of pictures: fetch, render, put, each done by threads or processes of its own: Stages."""

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from functools import partial
from io import BytesIO, FileIO
from queue import Empty, SimpleQueue
from time import monotonic

from msgspec import Struct, field
from msgspec.structs import replace

from forkresize.batch.remote.fetch import Fetcher, RefusedError
from forkresize.batch.remote.renderer import PackedRecipe, Renderer, Rendering
from forkresize.batch.remote.source_stores import SourceStores
from forkresize.batch.remote.threads import TransferThreads
from forkresize.batch.remote.transfer import Transfer
from forkresize.errors import BrokenPoolError
from forkresize.job import Job, Output
from forkresize.recipe import from_bytes
from forkresize.store import PLAIN, ObjectInfo, OutputStore, PutOptions

ChoosePutOptions = Callable[[Output], PutOptions]
"""Returns how an output is put: its headers, and what it may replace. Called by many threads."""


def put_plain(_: Output) -> PutOptions:
    """Return that an output replaces any object."""
    return PLAIN


class Endpoints(Struct, frozen=True):
    """Where pictures come from and go to.

    Attributes:
        sources: where the sources are.
        destination: where the outputs belong.
        put_options: how each output is put; its content type is that of the format that it has.
        placed: what was put, by the keys of outputs whose result was yielded; what records an output removes it.
    """

    sources: SourceStores
    destination: OutputStore
    put_options: ChoosePutOptions = put_plain
    placed: dict[str, ObjectInfo] = field(default_factory=dict)


class Stages:
    """Pictures on their way through this process.

    Args:
        renderer: renders them.
        recipe: what to make of them.
        endpoints: where they come from and go to.
        connections: how many objects are fetched at the same time, and how many are put.
        on_change: called by any thread when a picture is done or has freed memory.
    """

    def __init__(
        self,
        renderer: Renderer,
        recipe: PackedRecipe,
        endpoints: Endpoints,
        connections: int,
        on_change: Callable[[], object],
    ) -> None:
        self._renderer = renderer
        self._recipe = recipe
        self._endpoints = endpoints
        self._fetcher = Fetcher(endpoints.sources, from_bytes(recipe.data).max_file_size)
        self._fetching = TransferThreads("fetch", connections)
        self._putting = TransferThreads("put", connections)
        self._on_change = on_change
        self._done: SimpleQueue[Transfer] = SimpleQueue()
        self._lock = threading.Lock()
        self._active: dict[Transfer, Future[Rendering] | None] = {}
        self._unfetched: set[Transfer] = set()
        self._dropping = False
        self._started = False

    @property
    def count(self) -> int:
        """How many pictures are under way or have not been taken."""
        return len(self._active)

    @property
    def size(self) -> int:
        """Bytes of memory that they take."""
        with self._lock:
            return sum(transfer.size for transfer in self._active)

    def begin(self, transfer: Transfer) -> None:
        """Fetch, render and put a picture."""
        with self._lock:
            self._active[transfer] = None
            self._unfetched.add(transfer)
        if not self._started:
            self._started = True
            self._renderer.start()
        self._fetching.add(partial(self._fetch, transfer))

    def take(self) -> list[Transfer]:
        """Return the pictures that are done; those that were dropped have neither result nor error."""
        taken = []
        try:
            while True:
                taken.append(self._done.get_nowait())
        except Empty:
            with self._lock:
                for transfer in taken:
                    self._active.pop(transfer, None)
        return taken

    def drop_waiting(self) -> None:
        """Drop the pictures that no worker has; requests for their sources are left to themselves."""
        with self._lock:
            self._dropping = True
            futures = [future for future in self._active.values() if future is not None]
            unfetched = [transfer for transfer in self._active if transfer in self._unfetched]
            self._unfetched.clear()
        for future in futures:
            future.cancel()
        for transfer in unfetched:
            self._finish(transfer)

    def abandon(self) -> list[Transfer]:
        """Return the pictures that are under way, which are forgotten."""
        self._dropping = True
        with self._lock:
            left = list(self._active)
            self._active.clear()
        return left

    def rendering(self) -> list[Transfer]:
        """Return the pictures that workers have, or are about to get, in the order in which they were begun."""
        now = monotonic()
        with self._lock:
            running = [each for each, future in self._active.items() if future is not None and future.running()]
        for transfer in running:
            transfer.render_started = transfer.render_started or now
        return running

    def close(self) -> None:
        """End the threads when they are done."""
        self._fetching.close()
        self._putting.close()

    def _fetch(self, transfer: Transfer) -> None:
        found = None if self._dropping else self._try_to_fetch(transfer)
        is_wanted = self._is_wanted(transfer)
        if isinstance(found, tuple):
            job, file = found
            with file:
                if is_wanted:
                    transfer.job = job
                    self._render(transfer, file)
            return
        if is_wanted:
            if isinstance(found, RefusedError):
                transfer.fail(found.detail)
            elif found is not None:
                transfer.fail_by_bug(found)
            self._finish(transfer)

    def _try_to_fetch(self, transfer: Transfer) -> tuple[Job, FileIO | BytesIO] | Exception:
        """Return a job with its source as it is, and its content; or why there is none."""
        try:
            with transfer.stage("fetch"):
                return self._fetcher.fetch(transfer.job)
        except Exception as error:  # noqa: BLE001  A bug costs one picture, as in a worker.
            return error

    def _is_wanted(self, transfer: Transfer) -> bool:
        """Return whether a picture whose request is over was not dropped while it lasted. To be called once."""
        with self._lock:
            if transfer not in self._unfetched:
                return False
            self._unfetched.remove(transfer)
            return True

    def _render(self, transfer: Transfer, file: FileIO | BytesIO) -> None:
        if self._dropping:
            self._finish(transfer)
            return
        transfer.submitted = monotonic()
        try:
            future = self._renderer.submit(transfer.job, self._recipe, file)
        except (BrokenPoolError, RuntimeError) as error:
            transfer.error = error
            self._finish(transfer)
            return
        with self._lock:
            if transfer in self._active:
                self._active[transfer] = future
        future.add_done_callback(partial(self._on_rendered, transfer))

    def _on_rendered(self, transfer: Transfer, future: "Future[Rendering]") -> None:
        with self._lock:
            if transfer in self._active:
                self._active[transfer] = None
        try:
            outputs = transfer.to_put(future.result())
            if not outputs:
                transfer.conclude()
        except CancelledError:
            self._finish(transfer)
            return
        except BrokenPoolError as error:
            transfer.error = error
            self._finish(transfer)
            return
        except Exception as error:  # noqa: BLE001  A bug costs one picture, as in a worker.
            transfer.fail_by_bug(error)
            self._finish(transfer)
            return
        if not outputs:
            self._finish(transfer)
            return
        self._on_change()
        for output in outputs:
            self._putting.add(partial(self._put, transfer, output))

    def _put(self, transfer: Transfer, output: Output) -> None:
        assert transfer.rendering is not None  # noqa: S101  It was rendered.
        result: ObjectInfo | Exception
        try:
            data = transfer.rendering.read(output.rendition)
            options = replace(self._endpoints.put_options(output), content_type=transfer.media_type(output))
            with transfer.stage("put"):
                result = self._endpoints.destination.put(output.key, data, options)
        except Exception as error:  # noqa: BLE001  One output's error must not stop the others.
            result = error
        if transfer.finish_put(output, result):
            transfer.conclude()
            self._finish(transfer)

    def _finish(self, transfer: Transfer) -> None:
        transfer.size = 0
        self._done.put(transfer)
        self._on_change()
