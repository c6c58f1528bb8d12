"""One picture from file to files: decoded once, brought to each rendition, encoded, written. Knows no process."""

from collections.abc import Callable, Iterator
from time import perf_counter
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from forkresize.image import metadata
from forkresize.image.color.convert import load_srgb
from forkresize.image.decode.identify import load_plugins
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.errors import PictureError, run_guarded
from forkresize.image.geometry.region import Dimensions
from forkresize.image.malloc import cache_freed_memory
from forkresize.image.memory_estimate import estimate_memory
from forkresize.image.memory_limit import reclassify
from forkresize.image.picture import Picture
from forkresize.image.pipeline import apply_before, resolve_trim
from forkresize.image.plan import choose_shrink, duplicate_renditions, static_size
from forkresize.image.rendition_builder import RenditionBuilder
from forkresize.image.resample import kernel
from forkresize.image.source_image import SourceImage, open_source_image
from forkresize.image.steps.registry import operation_of
from forkresize.image.stopwatch import Stopwatch
from forkresize.job import Job
from forkresize.outcome import Execution, Outcome, ref_to_job, truncate_warnings
from forkresize.recipe import Recipe

if TYPE_CHECKING:
    from forkresize.image.steps.resize import CascadeSource


def preload(recipe: Recipe) -> None:
    """Load all that rendering needs, so that workers forked afterwards share it.

    Raises:
        FieldError: the recipe names a watermark or a font that can't be used.
    """
    cache_freed_memory()
    load_plugins()
    kernel.simd()
    load_srgb()
    validate(recipe)


def validate(recipe: Recipe) -> None:
    """See whether a recipe can be met, as far as that hangs on files it names, and keep what they hold.

    Raises:
        FieldError: the recipe names a watermark or a font that can't be used.
    """
    for step in recipe.steps:
        operation_of(step).prepare(step)


def _no_reservation(_: int) -> None:
    """Let everybody have what they need."""


def render(job: Job, recipe: Recipe, tag: str, reserve: Callable[[int], object] = _no_reservation) -> list[Outcome]:
    """Make the outputs of one picture.

    Args:
        job: the picture and the paths of its outputs.
        recipe: what to make of it.
        tag: names the run; part of the temporary files' names.
        reserve: called before anything is decoded, with the bytes of memory that making the outputs will take; it may
            wait until they are free, and raise MemoryError if they never will be.

    Returns:
        Written, Skipped or Failed for each output; one alone, about all of them, where the picture itself is to blame.
        Nothing that a picture can cause is raised.
    """
    started = perf_counter()
    task = _Task(job, recipe, tag, reserve)
    outcomes = reclassify(run_guarded(ref_to_job(job), lambda: _outcomes(task)), task.need, job.source.path)
    execution = Execution(seconds=perf_counter() - started)
    return [
        replace(
            outcome, execution=execution, warnings=truncate_warnings((*task.diagnostics.warnings, *outcome.warnings))
        )
        for outcome in outcomes
    ]


class _Task(Struct):
    """One picture's way through render(); it knows how much memory that takes once the header is read."""

    job: Job
    recipe: Recipe
    tag: str
    reserve: Callable[[int], object]
    stopwatch: Stopwatch = field(default_factory=Stopwatch)
    diagnostics: Diagnostics = field(default_factory=Diagnostics)
    need: int = 0

    def admit(self, original: SourceImage) -> None:
        """Wait until there is memory for it; that is no part of the time it takes."""
        renditions = [self.recipe.renditions[output.rendition] for output in self.job.outputs]
        self.need = estimate_memory(original, self.recipe, renditions, self.job.source.size)
        self.stopwatch.lap("decode")
        self.reserve(self.need)
        self.stopwatch.lap("wait")


def _outcomes(task: _Task) -> list[Outcome]:
    job, recipe, stopwatch = task.job, task.recipe, task.stopwatch
    with open_source_image(job.source.path, recipe, task.diagnostics, task.admit) as original:
        makings = [RenditionBuilder(job, output, recipe, original) for output in job.outputs]
        shown = static_size(original, recipe)
        if shown:
            _skip_duplicates(makings, shown, recipe)
        try:
            for picture in _pictures(original, recipe, makings):
                stopwatch.lap("decode")
                if shown is None:
                    shown = picture.view.shown
                    _skip_duplicates(makings, shown, recipe)
                _add(picture, makings)
                stopwatch.lap("resize")
        except PictureError as error:
            _give_up(makings, error)
        kept = metadata.extract(original.image, recipe.metadata, task.diagnostics)
        return [making.finished(kept, task.tag, stopwatch) for making in makings]


def _skip_duplicates(makings: list[RenditionBuilder], shown: Dimensions, recipe: Recipe) -> None:
    numbers = duplicate_renditions(shown, recipe, makings[0].source_format) if len(recipe.renditions) > 1 else ()
    for making in makings:
        if making.is_open and making.output.rendition in numbers:
            making.skip(shown)


def _give_up(makings: list[RenditionBuilder], error: PictureError) -> None:
    """Give up the outputs that a fault in a later frame leaves without one; if that is all of them, it's the picture's.

    Raises:
        PictureError: it is.
    """
    if not any(making.is_open and making.is_complete for making in makings):
        raise error
    for making in makings:
        making.fail(error)


def _pictures(original: SourceImage, recipe: Recipe, makings: list[RenditionBuilder]) -> Iterator[Picture]:
    """Yield the frames that are needed, each prepared for all outputs."""
    wanted = [making for making in makings if making.is_open]
    frames = max((making.frames for making in wanted), default=0)
    by = choose_shrink(original, recipe, [making.rendition for making in wanted])
    held = frozenset[str]().union(*(making.writer.modes for making in wanted))
    if frames > 1 and original.is_animated:
        recipe = resolve_trim(recipe, lambda: original.pictures(frames, by), held)
    for picture in original.pictures(frames, by):
        yield apply_before(picture, recipe, held)


def _add(picture: Picture, makings: list[RenditionBuilder]) -> None:
    """Bring a frame to all renditions, the largest first: smaller ones are made of it."""
    larger: list[CascadeSource] = []
    for making in sorted(makings, key=lambda making: making.pixels(picture), reverse=True):
        making.add(picture, larger)
