"""Renders pictures that are in memory, in workers without files, network and credentials: Renderer."""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from functools import partial
from io import FileIO
from typing import Any, Self

from msgspec import Struct
from msgspec.structs import replace

from forkresize.batch.executor import JobResult
from forkresize.batch.remote.render_task import (
    RESULT_SERIALIZER,
    TASK_SERIALIZER,
    RenderTask,
    preload_recipes,
    render_task,
    start_worker,
)
from forkresize.batch.wire import WireOutcome
from forkresize.job import Job
from forkresize.outcome import Failed, Reason, Written
from forkresize.pool import (
    Completed,
    PoolOptions,
    PoolProcess,
    SandboxMode,
    SandboxPolicy,
    SupervisorLostError,
    TaskResult,
    WithFiles,
    available_cpus,
    default_budget,
)
from forkresize.recipe import Recipe, to_bytes
from forkresize.summary import ExecutorStats

_KEPT_VARIABLES = frozenset(
    {"HOME", "LANG", "LANGUAGE", "PATH", "TMPDIR", "TZ", "VIRTUAL_ENV", "FORKRESIZE_SANDBOX_WRITE"}
)
_KEPT_PREFIXES = ("LC_", "PYTHON", "LD_", "DYLD_", "MALLOC_", "GLIBC_", "OMP_", "COV", "COVERAGE")
"""Variables that the interpreter and the codecs read. Others may hold credentials."""

_LOST = "the pool's supervisor died each time while it had the picture"


class PackedRecipe(Struct, frozen=True):
    """A recipe as it travels with each picture, and the limits of each.

    Attributes:
        data: what ``recipe.to_bytes`` returns.
        timeout: seconds that a picture may take, infinite for no limit; None for that of the renderer's options.
        retries: how often a picture is tried again that its worker died of; None for as often as these options say.
    """

    data: bytes
    timeout: float | None = None
    retries: int | None = None

    @classmethod
    def of(cls, recipe: Recipe) -> Self:
        """Return a recipe, packed."""
        return cls(to_bytes(recipe))


class Rendering(Struct, frozen=True):
    """A picture that was rendered, or was not.

    Attributes:
        result: the outcomes; as of every executor.
        file: holds the renditions that are Written; None if there are none.
        spans: where each of them is in the file, as offset and size in bytes, by rendition.
        formats: the format of each of them, Pillow's name in lower case, by rendition.
    """

    result: JobResult
    file: FileIO | None = None
    spans: Mapping[int, tuple[int, int]] = {}
    formats: Mapping[int, str] = {}

    def read(self, rendition: int) -> bytes:
        """Return the bytes of a rendition.

        Raises:
            KeyError: it is not Written.
        """
        assert self.file is not None  # noqa: S101  There are spans.
        offset, size = self.spans[rendition]
        return os.pread(self.file.fileno(), size, offset)

    @property
    def size(self) -> int:
        """Bytes of all renditions together."""
        return sum(size for _, size in self.spans.values())

    def close(self) -> None:
        """Free the memory."""
        if self.file is not None:
            self.file.close()


class Renderer:
    """Workers that get pictures and return renditions in memory. They may open no file but the interpreter's.

    The supervisor and its workers are other processes, without the credentials in this one's environment. This process
    may have threads, and can submit from any. One renderer serves many recipes. A context manager; when it is left,
    pictures that are not done are abandoned.

    Args:
        options: number of workers, limits and retries; their serializers and sandbox are replaced.
        mode: how many layers of the sandbox to use.
        recipes: those that name files, which are loaded once, before any picture. Pictures for other recipes that name
            files fail.
    """

    def __init__(
        self, options: PoolOptions, mode: SandboxMode = SandboxMode.AUTO, recipes: Sequence[PackedRecipe] = ()
    ) -> None:
        self.workers = options.workers or available_cpus()
        self.memory = options.memory or default_budget()
        sandbox = None if mode is SandboxMode.OFF else SandboxPolicy(mode=mode, create_memfds=True)
        self._pool: PoolProcess[Any] = PoolProcess(
            render_task,
            options=replace(
                options,
                workers=self.workers,
                memory=self.memory,
                sandbox=sandbox,
                serializer=RESULT_SERIALIZER,
                task_serializer=TASK_SERIALIZER,
            ),
            initializer=start_worker,
            preload=partial(preload_recipes, tuple(each.data for each in recipes)),
            environment=scrub_environment(os.environ),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.terminate()

    def start(self) -> None:
        """Start the supervisor before the first picture, without waiting for it."""
        self._pool.start()

    def submit(self, job: Job, recipe: PackedRecipe, source: FileIO) -> "Future[Rendering]":
        """Render a picture; return the future of its rendering.

        The future can be cancelled until a worker is about to get the picture. Its only exception otherwise is a
        BrokenPoolError: workers that die are results.

        Args:
            job: the picture, and its outputs.
            recipe: what to make of it.
            source: its content, a sealed memfd; it may be closed when this returns.

        Raises:
            BrokenPoolError: no picture can be rendered.
        """
        task = WithFiles(RenderTask.of(job, recipe.data), (source,))
        inner = self._pool.submit_task(task, timeout=recipe.timeout, retries=recipe.retries)
        outer = _RenderFuture(inner)
        inner.add_done_callback(partial(_pass_on, job, outer))
        return outer

    @property
    def stats(self) -> ExecutorStats:
        """The workers, and the time that they took so far."""
        found = self._pool.stats
        stats = ExecutorStats(**{name: getattr(found, name) for name in ExecutorStats.__struct_fields__})
        return replace(stats, workers=self.workers, memory=self.memory)

    @property
    def supervisor_pid(self) -> int | None:
        """Process id of the supervisor; None while there is none."""
        return self._pool.supervisor_pid

    def terminate(self) -> None:
        """End all processes at once; the futures of pictures that are not done fail with a BrokenPoolError."""
        self._pool.terminate()


class _RenderFuture(Future[Rendering]):
    """The future of a rendering, which cancels the task behind it."""

    def __init__(self, task: "Future[Any]") -> None:
        super().__init__()
        self._task = task

    def cancel(self) -> bool:
        """Cancel the task if it was not sent; return whether that is so."""
        return self._task.cancel()

    def running(self) -> bool:
        """Return whether the supervisor has the task."""
        return self._task.running()


def _pass_on(job: Job, outer: "Future[Rendering]", inner: "Future[Any]") -> None:
    """Complete the future of a rendering with what happened to its task."""
    if inner.cancelled():
        Future.cancel(outer)
        outer.set_running_or_notify_cancel()
        return
    error = inner.exception()
    if error is None:
        outer.set_result(_rendering(job, inner.result()))
    elif isinstance(error, SupervisorLostError):
        outer.set_result(Rendering(_lost(job)))
    else:
        outer.set_exception(error)


def _lost(job: Job) -> JobResult:
    outcome = WireOutcome(None, Failed(Reason.INTERRUPTED, _LOST), ())
    return Completed(item=job, result=[outcome], attempts=2, worker=0, seconds=0.0, stderr="")


def _rendering(job: Job, returned: TaskResult[None, Any]) -> Rendering:
    """Return the rendering of a job whose worker may have been taken over by its picture."""
    result: Any = replace(returned, item=job)
    if not isinstance(returned, Completed):
        return Rendering(result)
    outcomes, files = returned.result, tuple[FileIO, ...]()
    if isinstance(outcomes, WithFiles):
        outcomes, files = outcomes.value, outcomes.files
    spans = _spans(outcomes)
    end = sum(size for _, size in spans.values())
    if [os.fstat(file.fileno()).st_size for file in files] == ([end] if spans else []):
        formats = {rendition: detail.out_format for rendition, detail in _written(outcomes)}
        return Rendering(replace(result, result=outcomes), files[0] if files else None, spans, formats)
    for file in files:
        file.close()
    failed = Failed(Reason.PROTOCOL_VIOLATION, f"worker returned something else than the {end} bytes of its outputs")
    return Rendering(replace(result, result=[WireOutcome(None, failed, ())]))


def _spans(outcomes: Sequence[WireOutcome]) -> dict[int, tuple[int, int]]:
    spans: dict[int, tuple[int, int]] = {}
    end = 0
    for rendition, detail in _written(outcomes):
        spans[rendition] = end, detail.out_bytes
        end += detail.out_bytes
    return spans


def _written(outcomes: Sequence[WireOutcome]) -> Iterator[tuple[int, Written]]:
    for each in outcomes:
        if isinstance(each.detail, Written) and each.rendition is not None:
            yield each.rendition, each.detail


def scrub_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a process may have that must hold no credentials."""
    return {
        name: value for name, value in variables.items() if name in _KEPT_VARIABLES or name.startswith(_KEPT_PREFIXES)
    }


__all__ = ["CancelledError", "PackedRecipe", "Renderer", "Rendering", "scrub_environment"]
