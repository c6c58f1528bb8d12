"""One picture from bytes to bytes: decoded once, brought to each rendition, encoded."""

import io
import os
from collections.abc import Callable, Iterator, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, BinaryIO

from msgspec import Struct
from msgspec.structs import replace

from forkresize.errors import FieldError
from forkresize.image import metadata
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.errors import PictureError, catching_panics, decoding, failure_of
from forkresize.image.geometry.region import Dimensions
from forkresize.image.memory import estimate_memory, opening_memory, reclassify
from forkresize.image.picture import Picture
from forkresize.image.pipeline import apply_before, resolve_trim
from forkresize.image.plan import choose_shrink, count_visible_rows, duplicate_renditions, static_size
from forkresize.image.preload import preload, validate
from forkresize.image.rendered import Rendered, Timings
from forkresize.image.rendition import RenditionBuilder
from forkresize.image.source_image import SourceImage
from forkresize.outcome import Failed, Skipped, truncate_warnings
from forkresize.recipe import Recipe

if TYPE_CHECKING:
    from forkresize.image.steps.resize import CascadeSource

__all__ = ["Rendered", "Result", "preload", "render_each", "transform", "validate"]


def transform(source: bytes | bytearray | memoryview | BinaryIO, recipe: Recipe, *, name: str = "") -> list[Rendered]:
    """Render a picture from bytes or a stream, in this process and without files.

    For example, in a web application::

        recipe = Recipe.of(width=800, format="webp")
        [image] = transform(request.body, recipe)
        return Response(image.data, content_type=image.media_type)

    It may be called from several threads at once. A decoder that crashes takes this process with it; a pool keeps
    workers in between.

    Args:
        source: the file's bytes, or an open binary file that stands at its beginning.
        recipe: what to make of it.
        name: identifies the picture in messages; its suffix is a hint for formats without a signature.

    Returns:
        One item for each rendition of the recipe, except those that are identical to a smaller one.

    Raises:
        PictureError: a rendition cannot be made; its ``reason`` says why.
        FieldError: the recipe names a watermark or a font that cannot be used; or the source is a path.
    """
    if isinstance(source, str | os.PathLike):
        raise FieldError("source", f"expected bytes or an open binary file, got {source!r}: use render for paths")
    preload(recipe)
    rendered = []
    for result in render_each(_seekable(source, recipe.max_file_size), recipe, name=name):
        if isinstance(result.detail, Rendered):
            rendered.append(result.detail)
        elif result.rendition is None or isinstance(result.detail, Failed):
            raise PictureError(result.detail.reason, result.detail.error or result.detail.reason)
    return rendered


def _seekable(source: bytes | bytearray | memoryview | BinaryIO, max_file_size: int) -> BinaryIO:
    if isinstance(source, bytes | bytearray | memoryview):
        return io.BytesIO(source)
    # One byte more than the limit is enough for the error.
    return source if source.seekable() and source.tell() == 0 else io.BytesIO(source.read(max_file_size + 1))


class Result(Struct, frozen=True):
    """What happened to one rendition, or to the picture.

    Attributes:
        rendition: index in the recipe; None if it covers all renditions.
        detail: the rendition, or why there is none.
        warnings: remarks on it.
    """

    rendition: int | None
    detail: Rendered | Skipped | Failed
    warnings: tuple[str, ...]


def _no_reservation(_: int) -> None:
    """Reserve nothing."""


def render_each(
    file: BinaryIO,
    recipe: Recipe,
    renditions: Sequence[int] | None = None,
    *,
    name: str = "",
    reserve: Callable[[int], object] = _no_reservation,
) -> Iterator[Result]:
    """Yield the renditions of a picture as they are encoded.

    Args:
        file: the picture's file, seekable.
        recipe: what to make of it.
        renditions: indexes of the renditions to make; None for all of them.
        name: see ``transform``.
        reserve: called before anything is decoded, with the bytes of memory that rendering will take. It may wait until
            they are free, and raise MemoryError if they never will be.

    Yields:
        One result for each rendition, or a single one if the picture itself cannot be rendered. Nothing that a picture
        can cause is raised.
    """
    work = _Rendering(file, recipe, range(len(recipe.renditions)) if renditions is None else renditions, name)
    try:
        with catching_panics():
            work.build(reserve)
    except Exception as error:  # noqa: BLE001 -- one picture's error must not stop the others.
        yield Result(None, work.explain(failure_of(error)), truncate_warnings(work.diagnostics.warnings))
        return
    for builder in work.builders:
        yield work.encode(builder)


class _Rendering:
    """The state of one picture that is rendered."""

    def __init__(self, file: BinaryIO, recipe: Recipe, numbers: Sequence[int], name: str) -> None:
        self.diagnostics = Diagnostics()
        self.builders: list[RenditionBuilder] = []
        self._file = file
        self._recipe = recipe
        self._numbers = numbers
        self._name = name
        self._kept = metadata.MetadataBlocks()
        self._needed_memory = 0
        self._timings = Timings()
        self._last_lap = perf_counter()

    def build(self, reserve: Callable[[int], object]) -> None:
        """Decode the picture and bring it to all renditions."""
        with decoding(self._name, self.diagnostics):
            opening = opening_memory(self._file, self._recipe.max_pixels)
        self._needed_memory = opening
        if opening:
            reserve(opening)
            self._lap()
            self._file.seek(0)
        source = SourceImage.open(self._file, self._recipe, self.diagnostics, self._name)
        self._needed_memory = estimate_memory(
            source, self._recipe, [self._recipe.renditions[number] for number in self._numbers]
        )
        self._timings.decode += self._lap()
        if self._needed_memory > opening:
            reserve(self._needed_memory)
        # Waiting for memory does not count.
        self._lap()
        source.load()
        self.builders = [RenditionBuilder(source, self._recipe, number) for number in self._numbers]
        for builder in self.builders:
            builder.choose_format()
        try:
            self._add_frames(source)
        except PictureError as error:
            self._give_up(error)
        self._kept = metadata.extract(
            source.image,
            self._recipe.metadata,
            self.diagnostics,
            self._recipe.drop,
            upright=source.view.orientation,
        )

    def encode(self, builder: RenditionBuilder) -> Result:
        """Encode a rendition that was built, and say what happened to it."""
        self._lap()
        rendered = builder.encode(self._kept)
        timings = replace(self._timings, encode=self._lap())
        warnings = truncate_warnings(builder.all_warnings(self.diagnostics.warnings))
        if rendered is not None:
            return Result(builder.number, replace(rendered, warnings=warnings, timings=timings), warnings)
        assert builder.failure is not None  # noqa: S101 -- there is always one or the other.
        return Result(builder.number, self.explain(builder.failure), warnings)

    def explain(self, failure: Skipped | Failed) -> Skipped | Failed:
        """Return a failure, with the memory limit as its reason if that may have caused it."""
        return reclassify(failure, self._needed_memory, self._file, self._recipe.max_pixels)

    def _lap(self) -> float:
        """Return the seconds since the last call."""
        now = perf_counter()
        seconds, self._last_lap = now - self._last_lap, now
        return seconds

    def _add_frames(self, source: SourceImage) -> None:
        visible = static_size(source, self._recipe)
        if visible:
            self._skip_duplicates(source, visible)
        for picture in self._prepare_frames(source):
            self._timings.decode += self._lap()
            if visible is None:
                visible = picture.view.visible_size
                self._skip_duplicates(source, visible)
            self._add_frame(picture)
            self._timings.resize += self._lap()

    def _prepare_frames(self, source: SourceImage) -> Iterator[Picture]:
        """Yield the frames that are needed, each prepared for all renditions."""
        recipe, pending = self._recipe, [builder for builder in self.builders if builder.is_pending]
        frames = max((builder.frames for builder in pending), default=0)
        renditions = [builder.rendition for builder in pending]
        shrink = choose_shrink(source, recipe, renditions)
        modes = frozenset[str]().union(*(builder.output.modes for builder in pending))
        if frames > 1 and source.is_animated:
            recipe = resolve_trim(recipe, lambda: source.decode(frames, shrink), modes)
        rows = count_visible_rows(source, recipe, renditions)
        for picture in source.decode(frames, shrink, modes, rows):
            yield apply_before(picture, recipe, modes)

    def _add_frame(self, picture: Picture) -> None:
        """Add a frame to all renditions, the largest first: smaller ones may be made from it."""
        cascade: list[CascadeSource] = []
        for builder in sorted(self.builders, key=lambda builder: builder.plan(picture), reverse=True):
            larger = builder.add_frame(picture, cascade)
            if larger is not None:
                cascade.append(larger)

    def _skip_duplicates(self, source: SourceImage, visible: Dimensions) -> None:
        if len(self._recipe.renditions) == 1:
            return
        numbers = duplicate_renditions(visible, self._recipe, source.image.format)
        for builder in self.builders:
            if builder.is_pending and builder.number in numbers:
                builder.skip_duplicate(visible)

    def _give_up(self, error: PictureError) -> None:
        """Fail the renditions that lack frames because of damage; if that is all of them, the picture fails.

        Raises:
            PictureError: it fails.
        """
        if not any(builder.is_pending and builder.is_complete for builder in self.builders):
            raise error
        for builder in self.builders:
            builder.fail(error)
