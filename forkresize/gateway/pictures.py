"""Makes pictures: fetches a source, has workers render it, and returns the bytes: Pictures."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from io import FileIO
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from forkresize.batch.remote.renderer import Inspected, Inspection, PackedRecipe, Renderer, Rendering
from forkresize.batch.results import outcomes_from_result
from forkresize.errors import BrokenPoolError
from forkresize.formats import media_type
from forkresize.gateway.admission import Admission, Bounds, Place
from forkresize.gateway.inspections import Inspections
from forkresize.gateway.observation import note_cache, note_picture, note_stage
from forkresize.gateway.pool_future import wait_for
from forkresize.gateway.problem import Problem, problem_of_detail
from forkresize.gateway.roots import Located, Roots
from forkresize.gateway.settings import GatewaySettings, Limits
from forkresize.gateway.sources import Content, Sources, outputs_of
from forkresize.job import Job, Source
from forkresize.outcome import Execution, Failed, Outcome, Reason, Skipped, Written
from forkresize.recipe import Recipe, to_bytes
from forkresize.store import LocalStore

if TYPE_CHECKING:
    from concurrent.futures import Future

_WAITING_PER_WORKER = 24
"""Two workers take all pictures of a page at once, about 50."""

_RECIPES = 64
"""Recipes that are kept packed."""

_NOWHERE = LocalStore("")

_ALL_FRAMES = Recipe()
"""Inspects a picture upright, within the limits of the gateway."""

_Answer = TypeVar("_Answer", Rendering, Inspection)


class Picture(Struct, frozen=True):
    """A rendition that was made.

    Attributes:
        data: the bytes of the file.
        media_type: of the file.
        rendition: index in the recipe.
        detail: its size, format, quality and timings.
        execution: the worker and the seconds that it took.
        warnings: what was lost or is remarkable.
    """

    data: bytes
    media_type: str
    rendition: int
    detail: Written
    execution: Execution
    warnings: tuple[str, ...]


class Pictures:
    """Makes pictures on demand, within the limits of the gateway. For one event loop.

    Args:
        settings: of the gateway.
        create_renderer: returns what renders; called again when a renderer is broken.
        roots: where sources are fetched.
    """

    def __init__(self, settings: GatewaySettings, create_renderer: Callable[[], Renderer], roots: Roots) -> None:
        self._limits = settings.limits
        self._create_renderer = create_renderer
        self._renderer = create_renderer()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sources = Sources(roots, settings.limits.max_file_size)
        self._packer = _Packer(self._limits)
        self._inspections = Inspections(self._inspect)
        self.admission = Admission(_bounds(self._limits, self._renderer.workers))

    @property
    def renderer(self) -> Renderer:
        """What renders at the moment."""
        return self._renderer

    def open(self) -> None:
        """Work in the event loop that runs, and start the supervisor, without waiting for it."""
        self._loop = asyncio.get_running_loop()
        self._renderer.serve_in(self._loop)
        self.start()

    def start(self) -> None:
        """Start the supervisor if there is none, without waiting for it."""
        self._renderer.start()

    def close(self) -> None:
        """End the workers; pictures that are not done fail."""
        self._renderer.terminate()

    async def render(self, located: Located, recipe: Recipe) -> tuple[Picture, ...]:
        """Return the renditions of a source.

        Args:
            located: the source.
            recipe: what to make of it; its limits apply where they are lower than the gateway's.

        Raises:
            Problem: there is no room for it, it takes too long, or it cannot be made.
        """
        async with self._within_limits(located.info.size) as place:
            return await self._sources.read(located, recipe, lambda job, file: self._render(job, recipe, file, place))

    async def inspect(self, located: Located) -> Inspected:
        """Return what a source is: its upright size, its format, and how many frames it has.

        Raises:
            Problem: there is no room for it, it takes too long, or it is not a picture, or exceeds a limit.
        """
        return await self._inspections.find(located)

    async def render_upload(self, file: FileIO, size: int, recipe: Recipe, name: str = "") -> tuple[Picture, ...]:
        """Return the renditions of a picture that came with the request.

        Args:
            file: a sealed memfd.
            size: its bytes.
            recipe: what to make of it; its limits apply where they are lower than the gateway's.
            name: identifies it in messages; its suffix is a hint for formats without a signature.

        Raises:
            Problem: there is no room for it, it takes too long, or it cannot be made.
        """
        job = Job(Source(name or "upload", name or "upload", size), outputs_of(recipe))
        async with self._within_limits(size) as place:
            return await self._render(job, recipe, file, place)

    @asynccontextmanager
    async def _within_limits(self, size: int) -> AsyncIterator[Place]:
        try:
            async with asyncio.timeout(self._limits.timeout), self.admission.enter(size) as place:
                now = time.time()
                note_stage("queue", now - (time.monotonic() - place.entered), now)
                yield place
        except TimeoutError:
            text = f"it took longer than {self._limits.timeout:g} seconds"
            raise problem_of_detail(Failed(Reason.TIMED_OUT, text)) from None

    async def _render(self, job: Job, recipe: Recipe, file: Content, place: Place) -> tuple[Picture, ...]:
        packed = self._packer.pack(recipe)
        submitted = time.time()
        rendering = await self._submit(lambda renderer: renderer.submit(job, packed, file), place)
        try:
            outcomes = outcomes_from_result(rendering.result, _NOWHERE)
            note_cache("made")
            note_picture(outcomes, submitted)
            return _read(rendering, outcomes)
        finally:
            rendering.close()

    async def _inspect(self, located: Located) -> Inspected:
        async with self._within_limits(located.info.size) as place:
            return await self._sources.read(
                located, _ALL_FRAMES, lambda job, file: self._inspect_file(job, file, place)
            )

    async def _inspect_file(self, job: Job, file: Content, place: Place) -> Inspected:
        packed = self._packer.pack(_ALL_FRAMES)
        submitted = time.time()
        inspection = await self._submit(lambda renderer: renderer.inspect(job, packed, file), place)
        if inspection.found is None:
            outcomes = outcomes_from_result(inspection.result, _NOWHERE)
            note_picture(outcomes, submitted)
            raise _problem_of(outcomes)
        return inspection.found

    async def _submit(self, submit: "Callable[[Renderer], Future[_Answer]]", place: Place) -> _Answer:
        renderer = self._renderer
        try:
            future = submit(renderer)
            place.hold(future)
            return await wait_for(future, _discard)
        except (BrokenPoolError, RuntimeError) as error:
            self._replace(renderer)
            text = f"the workers cannot be used: {error}"
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, text, retry_after=1) from error

    def _replace(self, broken: Renderer) -> None:
        """Put a new renderer into the place of one that cannot render any more."""
        if self._renderer is broken:
            # It waits for a thread.
            asyncio.get_running_loop().run_in_executor(None, broken.terminate)
            self._renderer = self._create_renderer()
            if self._loop is not None:
                self._renderer.serve_in(self._loop)
            self.start()


def _discard(result: Rendering | Inspection) -> None:
    if isinstance(result, Rendering):
        result.close()


def _problem_of(outcomes: Sequence[Outcome]) -> Problem:
    """Return why a picture could not be inspected."""
    (detail,) = {outcome.detail for outcome in outcomes}
    assert isinstance(detail, Skipped | Failed)  # noqa: S101  Workers return nothing else.
    return problem_of_detail(detail)


def _bounds(limits: Limits, workers: int) -> Bounds:
    waiting = _WAITING_PER_WORKER * workers if limits.waiting is None else limits.waiting
    return Bounds(workers=workers, waiting=waiting, memory=limits.memory, giant=limits.giant)


class _Packer:
    """Packs recipes, and keeps the latest: the same one is asked for again and again.

    Args:
        limits: of the gateway, which apply where those of a recipe are higher.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        # By their ids, as recipes have no hash. A recipe that is kept here does not lose its id to another one.
        self._kept: dict[int, tuple[Recipe, PackedRecipe]] = {}

    def pack(self, recipe: Recipe) -> PackedRecipe:
        """Return a recipe, packed, with its limits."""
        kept = self._kept.get(id(recipe))
        if kept is None:
            kept = self._kept[id(recipe)] = recipe, self._pack(recipe)
            if len(self._kept) > _RECIPES:
                del self._kept[next(iter(self._kept))]
        return kept[1]

    def _pack(self, recipe: Recipe) -> PackedRecipe:
        limits = self._limits
        limited = replace(
            recipe,
            max_pixels=min(recipe.max_pixels, limits.max_pixels),
            max_frames=min(recipe.max_frames, limits.max_frames),
            max_file_size=min(recipe.max_file_size, limits.max_file_size),
        )
        return PackedRecipe(to_bytes(limited), timeout=limits.timeout)


def _read(rendering: Rendering, outcomes: Sequence[Outcome]) -> tuple[Picture, ...]:
    """Return the pictures of a rendering, without those that are the same as a smaller one.

    Raises:
        Problem: one could not be made.
    """
    pictures = []
    for outcome in outcomes:
        detail = outcome.detail
        if isinstance(detail, Written):
            data = rendering.read(outcome.rendition)
            kind = media_type(rendering.formats[outcome.rendition])
            pictures.append(Picture(data, kind, outcome.rendition, detail, outcome.execution, outcome.warnings))
        elif isinstance(detail, Failed) or outcome.destination is None or len(rendering.result.item.outputs) == 1:
            assert isinstance(detail, Skipped | Failed)  # noqa: S101  Workers return nothing else.
            raise problem_of_detail(detail)
    return tuple(pictures)
