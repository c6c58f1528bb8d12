"""What a worker renders, from values that the parent sent: a setup once, then a message for each job."""

import os
from collections.abc import Callable
from functools import partial

from msgspec import Struct

from forkresize.batch.wire import VERSION, JobMessage, decode_job, encode_job
from forkresize.hashing import blake2b
from forkresize.outcome import Outcome
from forkresize.pool import Serializer
from forkresize.recipe import Recipe, from_bytes, to_bytes
from forkresize.store import LocalStore, OutputStore


class WorkerSetup(Struct, frozen=True):
    """What a worker needs once.

    Attributes:
        recipe: what to make of every picture, as bytes.
        destination: the directory to write to.
        run_id: part of the names of temporary files.
    """

    recipe: bytes
    destination: bytes
    run_id: str

    @classmethod
    def of(cls, recipe: Recipe, store: OutputStore) -> "WorkerSetup":
        """Return the setup for a recipe, and for a store on behalf of a run."""
        return cls(to_bytes(recipe), os.fsencode(store.location("")), store.run_id)

    @property
    def digest(self) -> str:
        """A hash of the recipe. Every job names the recipe that it needs."""
        return blake2b(self.recipe, digest_size=8).hexdigest()

    def job_serializer(self) -> Serializer:
        """Return how jobs cross to a worker with this setup."""
        return Serializer(partial(encode_job, recipe=self.digest), decode_job)


class RenderWorker:
    """Renders jobs. A worker process has its own copy.

    Args:
        setup: from the parent.
        reserve: waits until so many bytes of memory are available.
        store: where outputs are written; None for the directory in the setup.
    """

    def __init__(self, setup: WorkerSetup, reserve: Callable[[int], object], store: OutputStore | None = None) -> None:
        self._setup = setup
        self._reserve = reserve
        self._store = store or LocalStore(os.fsdecode(setup.destination), setup.run_id)
        self._digest = setup.digest

    def start(self) -> None:
        """Prepare a worker process."""
        # The image library is loaded with the first job, before the first fork.
        from forkresize.batch.render_job import start_worker

        self.load()
        start_worker(self._recipe)

    def load(self) -> None:
        """Decode the setup."""
        self._recipe = from_bytes(self._setup.recipe)

    def __call__(self, message: JobMessage) -> list[Outcome]:
        """Render the outputs of a job.

        Raises:
            ValueError: the message is of another version, or for another recipe.
        """
        if message.version != VERSION:
            raise ValueError(f"job of version {message.version}, expected {VERSION}")
        if message.recipe != self._digest:
            raise ValueError(f"job for recipe {message.recipe}, expected {self._digest}")
        from forkresize.batch.render_job import render_job

        return render_job(message.job, self._recipe, self._store, self._reserve)
