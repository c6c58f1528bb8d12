"""One picture from file to files: decoded once, brought to each rendition, encoded, written. Knows no process."""

from collections.abc import Callable, Iterator
from time import perf_counter
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from forkresize.image import kernel, metadata
from forkresize.image.allocator import keep_freed_pages
from forkresize.image.area import Dimensions
from forkresize.image.attempt import Caught, attempted, taken, warnings_caught
from forkresize.image.color import load_srgb
from forkresize.image.identify import load_plugins
from forkresize.image.making import Making
from forkresize.image.need import need
from forkresize.image.opened import Opened, opened
from forkresize.image.picture import Picture, PictureError
from forkresize.image.pipeline import fixed, prepare
from forkresize.image.planning import duplicates, known_size, reduction
from forkresize.image.shortage import blamed
from forkresize.image.steps.watermark import prepare as prepare_watermark
from forkresize.image.stopwatch import Stopwatch
from forkresize.job import Job
from forkresize.outcome import Outcome, about, limited
from forkresize.recipe import Recipe, Watermark

if TYPE_CHECKING:
    from forkresize.image.steps.resize import Larger


def warm_up(recipe: Recipe) -> None:
    """Load all that rendering needs, so that workers forked afterwards share it.

    Raises:
        FieldError: the recipe names a watermark or a font that can't be used.
    """
    keep_freed_pages()
    load_plugins()
    kernel.simd()
    load_srgb()
    check(recipe)


def check(recipe: Recipe) -> None:
    """See whether a recipe can be met, as far as that hangs on files it names, and keep what they hold.

    Raises:
        FieldError: the recipe names a watermark or a font that can't be used.
    """
    for step in recipe.steps:
        if isinstance(step, Watermark):
            prepare_watermark(step)


def _for_nothing(_: int) -> None:
    """Let everybody have what they need."""


def render(job: Job, recipe: Recipe, tag: str, reserve: Callable[[int], object] = _for_nothing) -> list[Outcome]:
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
    with warnings_caught() as caught:
        task = _Task(job, recipe, tag, reserve)
        outcomes = blamed(attempted(about(job), lambda: _outcomes(task, caught)), task.need, job.source.path)
        told = taken(caught)
    seconds = perf_counter() - started
    return [replace(outcome, seconds=seconds, warnings=limited((*told, *outcome.warnings))) for outcome in outcomes]


class _Task(Struct):
    """One picture's way through render(); it knows how much memory that takes once the header is read."""

    job: Job
    recipe: Recipe
    tag: str
    reserve: Callable[[int], object]
    stopwatch: Stopwatch = field(default_factory=Stopwatch)
    need: int = 0

    def admit(self, original: Opened) -> None:
        """Wait until there is memory for it; that is no part of the time it takes."""
        renditions = [self.recipe.renditions[output.rendition] for output in self.job.outputs]
        self.need = need(original, self.recipe, renditions, self.job.source.size)
        self.stopwatch.lap("decode")
        self.reserve(self.need)
        self.stopwatch.lap("wait")


def _outcomes(task: _Task, caught: Caught) -> list[Outcome]:
    job, recipe, stopwatch = task.job, task.recipe, task.stopwatch
    with opened(job.source.path, recipe, task.admit) as original:
        makings = [Making(job, output, recipe, original, caught) for output in job.outputs]
        shown = known_size(original, recipe)
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
        kept = metadata.kept(original.image, recipe.metadata)
        return [making.finished(kept, task.tag, stopwatch) for making in makings]


def _skip_duplicates(makings: list[Making], shown: Dimensions, recipe: Recipe) -> None:
    numbers = duplicates(shown, recipe, makings[0].source_format) if len(recipe.renditions) > 1 else ()
    for making in makings:
        if making.is_open and making.output.rendition in numbers:
            making.skip(shown)


def _give_up(makings: list[Making], error: PictureError) -> None:
    """Give up the outputs that a fault in a later frame leaves without one; if that is all of them, it's the picture's.

    Raises:
        PictureError: it is.
    """
    if not any(making.is_open and making.is_complete for making in makings):
        raise error
    for making in makings:
        making.fail(error)


def _pictures(original: Opened, recipe: Recipe, makings: list[Making]) -> Iterator[Picture]:
    """Yield the frames that are needed, each prepared for all outputs."""
    wanted = [making for making in makings if making.is_open]
    frames = max((making.frames for making in wanted), default=0)
    by = reduction(original, recipe, [making.rendition for making in wanted])
    held = frozenset[str]().union(*(making.writer.modes for making in wanted))
    if frames > 1 and original.is_animated:
        recipe = fixed(recipe, lambda: original.pictures(frames, by), held)
    for picture in original.pictures(frames, by):
        yield prepare(picture, recipe, held)


def _add(picture: Picture, makings: list[Making]) -> None:
    """Bring a frame to all renditions, the largest first: smaller ones are made of it."""
    larger: list[Larger] = []
    for making in sorted(makings, key=lambda making: making.pixels(picture), reverse=True):
        making.add(picture, larger)
