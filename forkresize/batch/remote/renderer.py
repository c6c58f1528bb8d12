"""Renders and inspects pictures in memory, in workers without files, network and credentials: Renderer."""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from functools import partial
from io import FileIO
from typing import Any, Self, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from forkresize.batch.remote.render_task import (
    RESULT_SERIALIZER,
    TASK_SERIALIZER,
    InspectTask,
    RenderTask,
    Task,
    preload_recipes,
    render_task,
    start_worker,
)
from forkresize.batch.remote.rendering import Inspection, Rendering, lost_result, to_inspection, to_rendering
from forkresize.image.inspection import Inspected
from forkresize.job import Job
from forkresize.pool import (
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

_ON_DISK: Mapping[str, bytes] = {}


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


_Answer = TypeVar("_Answer")


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
        contents: of files that they name, by path; other files are read whenever a supervisor starts.
    """

    def __init__(
        self,
        options: PoolOptions,
        mode: SandboxMode = SandboxMode.AUTO,
        recipes: Sequence[PackedRecipe] = (),
        contents: Mapping[str, bytes] = _ON_DISK,
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
            preload=partial(preload_recipes, tuple(each.data for each in recipes), contents),
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
        return self._submit(RenderTask.of(job, recipe.data), recipe, source, partial(to_rendering, job))

    def inspect(self, job: Job, recipe: PackedRecipe, source: FileIO) -> "Future[Inspection]":
        """Read the header of a picture; return the future of its inspection, which behaves as that of ``submit``.

        Args:
            job: the picture; its outputs do not matter.
            recipe: limits the picture's size, and says whether it is turned upright.
            source: its content, a sealed memfd; it may be closed when this returns.

        Raises:
            BrokenPoolError: no picture can be inspected.
        """
        return self._submit(InspectTask.of(job, recipe.data), recipe, source, partial(to_inspection, job))

    def _submit(
        self, task: Task, recipe: PackedRecipe, source: FileIO, convert: Callable[[TaskResult[None, Any]], _Answer]
    ) -> "Future[_Answer]":
        inner = self._pool.submit_task(WithFiles(task, (source,)), timeout=recipe.timeout, retries=recipe.retries)
        outer = _TaskFuture[_Answer](inner)
        inner.add_done_callback(partial(_pass_on, convert, outer))
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


class _TaskFuture(Future[_Answer]):
    """The future of what comes of a task, which cancels the task behind it."""

    def __init__(self, task: "Future[Any]") -> None:
        super().__init__()
        self._task = task

    def cancel(self) -> bool:
        """Cancel the task if it was not sent; return whether that is so."""
        return self._task.cancel()

    def running(self) -> bool:
        """Return whether the supervisor has the task."""
        return self._task.running()


def _pass_on(
    convert: Callable[[TaskResult[None, Any]], _Answer], outer: "Future[_Answer]", inner: "Future[Any]"
) -> None:
    """Complete a future with what happened to its task."""
    if inner.cancelled():
        Future.cancel(outer)
        outer.set_running_or_notify_cancel()
        return
    error = inner.exception()
    if error is None or isinstance(error, SupervisorLostError):
        outer.set_result(convert(lost_result() if error else inner.result()))
    else:
        outer.set_exception(error)


def scrub_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a process may have that must hold no credentials."""
    return {
        name: value for name, value in variables.items() if name in _KEPT_VARIABLES or name.startswith(_KEPT_PREFIXES)
    }


__all__ = ["CancelledError", "Inspected", "Inspection", "PackedRecipe", "Renderer", "Rendering", "scrub_environment"]
