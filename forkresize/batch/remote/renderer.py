"""Renders and inspects pictures in memory, in workers without files, network and credentials: Renderer."""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from functools import partial
from io import BytesIO, FileIO
from typing import TYPE_CHECKING, Any, Self, TypeVar

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

if TYPE_CHECKING:
    import asyncio

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

    def serve_in(self, loop: "asyncio.AbstractEventLoop") -> None:
        """Exchange pictures and renditions in an event loop, in which futures are done, and not in a thread.

        To be called before the first picture.
        """
        self._pool.serve_in(loop)

    def submit(self, job: Job, recipe: PackedRecipe, source: FileIO | BytesIO) -> "Future[Rendering]":
        """Render a picture; return the future of its rendering.

        The future can be cancelled until a worker is about to get the picture. Its only exception otherwise is a
        BrokenPoolError: workers that die are results.

        Args:
            job: the picture, and its outputs.
            recipe: what to make of it.
            source: its content, a sealed memfd, or in memory if it is small; it may be closed when this returns.

        Raises:
            BrokenPoolError: no picture can be rendered.
        """
        content = source.getvalue() if isinstance(source, BytesIO) else None
        return self._submit(RenderTask.of(job, recipe.data, content), recipe, source, partial(to_rendering, job))

    def inspect(self, job: Job, recipe: PackedRecipe, source: FileIO | BytesIO) -> "Future[Inspection]":
        """Read the header of a picture; return the future of its inspection, which behaves as that of ``submit``.

        Args:
            job: the picture; its outputs do not matter.
            recipe: limits the picture's size, and says whether it is turned upright.
            source: see ``submit``.

        Raises:
            BrokenPoolError: no picture can be inspected.
        """
        content = source.getvalue() if isinstance(source, BytesIO) else None
        return self._submit(InspectTask.of(job, recipe.data, content), recipe, source, partial(to_inspection, job))

    def _submit(
        self,
        task: Task,
        recipe: PackedRecipe,
        source: FileIO | BytesIO,
        convert: Callable[[TaskResult[None, Any]], _Answer],
    ) -> "Future[_Answer]":
        item = WithFiles(task, (source,)) if isinstance(source, FileIO) else task
        return self._pool.submit_task(
            item, timeout=recipe.timeout, retries=recipe.retries, convert=partial(_convert, convert)
        )

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


def _convert(
    convert: Callable[[TaskResult[None, Any]], _Answer], result: TaskResult[None, Any] | SupervisorLostError
) -> _Answer:
    """Return what comes of a task; one that the supervisor died of has a result, too."""
    return convert(lost_result() if isinstance(result, SupervisorLostError) else result)


def scrub_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a process may have that must hold no credentials."""
    return {
        name: value for name, value in variables.items() if name in _KEPT_VARIABLES or name.startswith(_KEPT_PREFIXES)
    }


__all__ = ["CancelledError", "Inspected", "Inspection", "PackedRecipe", "Renderer", "Rendering", "scrub_environment"]
