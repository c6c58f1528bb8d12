"""One output while it is made: its plan, its frames, and what became of it. Decodes nothing."""

import resource
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from forkresize import storage
from forkresize.formats import OUTPUT_FORMATS, OutputSpec, source_name, source_spec
from forkresize.image import metadata
from forkresize.image.color.convert import to_srgb
from forkresize.image.container import replace_metadata
from forkresize.image.decode.identify import output_format
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.encode import Encoded, encode
from forkresize.image.errors import PictureError, run_guarded
from forkresize.image.frames import Frames
from forkresize.image.geometry.region import Dimensions
from forkresize.image.limits import check_pixels
from forkresize.image.picture import Picture
from forkresize.image.pipeline import Target, apply_after
from forkresize.image.plan import plan
from forkresize.image.source_image import SourceImage
from forkresize.image.steps.resize import CascadeSource, resize_from
from forkresize.image.stopwatch import Stopwatch
from forkresize.image.write import write
from forkresize.job import Job, Output
from forkresize.outcome import Outcome, OutputRef, Reason, Skipped, Written
from forkresize.recipe import Animation, IfLarger, Metadata, Recipe

if TYPE_CHECKING:
    from PIL.Image import Image

    from forkresize.image.geometry.layout import Layout


class RenditionBuilder:
    """One output while it is made.

    Attributes:
        output: its path, and which rendition it is.
        rendition: what is asked of it.
        format: in Pillow's lower-case name; empty if it can't be made in any.
        frames: how many of the source's frames go into it.
    """

    def __init__(self, job: Job, output: Output, recipe: Recipe, original: SourceImage) -> None:
        """Take what is to be made.

        Args:
            job: the picture, whose source it is made of.
            output: its path, and which rendition it is.
            recipe: all of it.
            original: the picture, opened.
        """
        self._source = job.source
        self.output = output
        self._recipe = recipe
        self._original = original
        self._diagnostics = Diagnostics()
        self._images: list[Image] = []
        self._plan: Layout | None = None
        self._profiles: list[bytes | None] = []
        self.rendition = recipe.renditions[output.rendition]
        self._outcome: Outcome | None = None
        self.format = ""
        self.frames = 0
        self._attempt(self._choose_format)

    @property
    def is_open(self) -> bool:
        """Whether it is still to be made."""
        return self._outcome is None

    @property
    def source_format(self) -> str | None:
        """The source's format, in Pillow's own name."""
        return self._original.image.format

    @property
    def writer(self) -> OutputSpec:
        """What the output's format can hold."""
        return OUTPUT_FORMATS[self.format]

    @property
    def _ref(self) -> OutputRef:
        return OutputRef(self._source, self.output.path, self.output.rendition)

    @property
    def is_complete(self) -> bool:
        """Whether it has all the frames that go into it."""
        return len(self._images) == self.frames

    def skip(self, shown: Dimensions) -> None:
        """Leave it out, because another rendition comes to the same.

        Args:
            shown: what there is to resize, in pixels.
        """
        width, height = shown
        told = f"there are no more than {width} x {height} pixels to show"
        self._outcome = Outcome(self._ref, Skipped(Reason.DUPLICATE, told))

    def pixels(self, picture: Picture) -> int:
        """Return how many pixels it takes to show a prepared frame; 0 if it isn't to be made."""
        self._attempt(lambda: self._look(picture))
        return self._plan.scaled[0] * self._plan.scaled[1] if self.is_open and self._plan else 0

    def add(self, picture: Picture, larger: list[CascadeSource]) -> None:
        """Bring a prepared frame to its size and finish it.

        Args:
            picture: the frame, which was looked at for its number of pixels.
            larger: what was made of it so far, to make this of as well; it is added.
        """
        if not self.is_complete:
            self._attempt(lambda: self._add(picture, larger))

    def fail(self, error: PictureError) -> None:
        """Give it up for a fault of the picture, unless it has all it needs."""

        def give_up() -> None:
            raise error

        if not self.is_complete:
            self._attempt(give_up)

    def finished(self, kept: metadata.MetadataBlocks, tag: str, stopwatch: Stopwatch) -> Outcome:
        """Encode it, write it, and return what became of it.

        Args:
            kept: what is to be said of the picture.
            tag: names the run; part of the temporary file's name.
            stopwatch: what decoding and resizing took.
        """
        self._attempt(lambda: self._write(kept, tag, stopwatch))
        assert self._outcome is not None  # noqa: S101 -- whatever is tried ends in one.
        return (
            replace(self._outcome, warnings=tuple(self._diagnostics.warnings))
            if self._diagnostics.warnings
            else self._outcome
        )

    def _attempt(self, action: Callable[[], None]) -> None:
        """Do something for it, unless it has its outcome already; what goes wrong becomes that."""

        def act() -> list[Outcome]:
            action()
            return []

        if self.is_open:
            for fault in run_guarded(self._ref, act):
                self._outcome = fault

    def _choose_format(self) -> None:
        self.format = output_format(self._original.image.format, self.rendition)
        original = self._original
        self.frames = original.frames_for(self.writer)
        if original.frames > self.frames and self._recipe.animation is Animation.KEEP:
            kind = source_spec(original.image.format).frame_noun
            least = "at least " if original.frames == self._recipe.max_frames + 1 else ""
            self._diagnostics.warn(f"only the first of {least}{original.frames} {kind} was kept")

    def _look(self, picture: Picture) -> None:
        # What an animation's first frame comes to, the others come to as well.
        if self._plan is None or self._original.is_paged:
            self._plan = plan(picture, self._recipe, self.rendition)
            check_pixels(self._plan.canvas, self._recipe.max_pixels, "the output would have", self.frames)

    def _add(self, picture: Picture, larger: list[CascadeSource]) -> None:
        assert self._plan is not None  # noqa: S101 -- it was looked at.
        resized = resize_from(larger, picture, self._plan, self._recipe.resize)
        larger.append(CascadeSource(self._plan.area, resized))
        resized = replace(resized, diagnostics=self._diagnostics)
        done = apply_after(resized, self._recipe, Target(self._plan, self.writer))
        self._images.append(done.image)
        self._profiles.append(done.profile)

    def _write(self, kept: metadata.MetadataBlocks, tag: str, stopwatch: Stopwatch) -> None:
        if len(set(self._profiles)) > 1:
            self._agree_on_colors()
        timing = self._original.timing
        several = len(self._images) > 1
        frames = Frames(
            images=tuple(self._images),
            durations=timing.durations if several else (),
            loop=timing.loop if several else None,
            diagnostics=self._diagnostics,
        )
        embedded = metadata.save_options(kept, self.format, self._diagnostics)
        if self._profiles[0] and self.writer.profile:
            embedded["icc_profile"] = self._profiles[0]
        encoded = self._best(encode(frames, self.format, self.rendition, embedded), kept)
        write(self._source, self.output.path, encoded.data, tag, self._diagnostics)
        stopwatch.lap("encode")
        written = Written(
            out_bytes=len(encoded.data),
            in_size=self._original.size,
            out_size=encoded.size,
            in_format=str(self._original.image.format).lower(),
            out_format=self.format,
            quality=encoded.quality,
            ssim=encoded.ssim,
            peak_rss=_peak_rss(),
            decode_seconds=stopwatch.seconds["decode"],
            resize_seconds=stopwatch.seconds["resize"],
            encode_seconds=stopwatch.take("encode"),
        )
        self._outcome = Outcome(self._ref, written)

    def _agree_on_colors(self) -> None:
        """Bring pages that follow several profiles to sRGB: a file has a place for one."""
        self._diagnostics.warn("its pages have several color profiles, and were converted to sRGB")
        pages = zip(self._images, self._profiles, strict=True)
        self._images = [to_srgb(Picture.plain(image, profile)).image for image, profile in pages]
        self._profiles = [None] * len(self._images)

    def _best(self, encoded: Encoded, kept: metadata.MetadataBlocks) -> Encoded:
        """Return the source's own coded pixels if they are the same picture in fewer bytes, and that was asked for."""
        if self._recipe.if_larger is IfLarger.WRITE or not self._is_same():
            return encoded
        with storage.open_source(self._source.path) as file:
            data = file.read()
        original = replace_metadata(data, self.format, kept)
        if original is None and self._recipe.metadata is Metadata.ALL:
            original = data
        if original is None and len(data) < len(encoded.data):
            self._diagnostics.warn("the source was smaller, but can't be kept without what it says of itself")
        if original is None or len(original) >= len(encoded.data):
            return encoded
        self._diagnostics.warn("the source's own pixels were kept: encoded anew they would have taken more bytes")
        return Encoded(data=original, size=encoded.size, quality=None)

    def _is_same(self) -> bool:
        """Whether the output's pixels are the source's, as far as coding them anew leaves them alone."""
        original, plan = self._original, self._plan
        own = source_name(original.image.format)
        return (
            own == self.format
            and plan is not None
            and original.view.is_identity
            and plan.is_unscaled
            and plan.canvas == original.size
            and len(self._recipe.steps) == 1
            and self._profiles[-1] == original.profile
            and self._images[-1].mode == original.image.mode
            and self.is_complete
            and self.frames == original.frames
        )


def _peak_rss() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
