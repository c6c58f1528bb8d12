"""One rendition of a picture: built frame by frame, then encoded."""

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from forkresize.formats import OUTPUT_FORMATS, SPECS, OutputSpec, media_type
from forkresize.image import metadata
from forkresize.image.color.convert import to_srgb
from forkresize.image.decode.identify import output_format
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.encode import Encoded, encode
from forkresize.image.errors import FailureCatcher, failure_of
from forkresize.image.gainmap.errors import GainMapError
from forkresize.image.geometry.region import Dimensions
from forkresize.image.limits import check_pixels
from forkresize.image.metadata.credentials import REMOVED
from forkresize.image.own_pixels import OwnPixels, find_avoided_losses, is_whole
from forkresize.image.picture import Frames, Picture, Timing
from forkresize.image.pipeline import Target, apply_after, predict_view
from forkresize.image.plan import plan
from forkresize.image.rendered import Rendered, Timings
from forkresize.image.source_image import SourceImage
from forkresize.image.steps.resize import CascadeSource, resize_from
from forkresize.loss import Loss, loss_of
from forkresize.outcome import Failed, Reason, Skipped
from forkresize.recipe import Animation, IfLarger, Metadata, Recipe

if TYPE_CHECKING:
    from PIL.Image import Image

    from forkresize.image.gainmap.output import OutputMap
    from forkresize.image.geometry.layout import Layout


class RenditionBuilder:
    """Builds one rendition.

    Attributes:
        number: index of the rendition in the recipe.
        rendition: what is requested.
        format: name of the output's format; empty until it is chosen.
        frames: how many of the source's frames go into the output.
        failure: why it cannot be made, or None.
        diagnostics: the warnings about this rendition.
    """

    def __init__(self, source: SourceImage, recipe: Recipe, number: int) -> None:
        self.number = number
        self.rendition = recipe.renditions[number]
        self.format = ""
        self.frames = 0
        self.failure: Skipped | Failed | None = None
        self.diagnostics = Diagnostics()
        self._source = source
        self._recipe = recipe
        self._plan: Layout | None = None
        self._reserved = 0
        self._avoided: Collection[Loss] = ()
        self._images: list[Image] = []
        self._profiles: list[bytes | None] = []

    @property
    def is_pending(self) -> bool:
        """Whether it is still to be made."""
        return self.failure is None

    @property
    def is_complete(self) -> bool:
        """Whether it has all its frames."""
        return len(self._images) == self.frames

    @property
    def output(self) -> OutputSpec:
        """What the output's format can hold."""
        return OUTPUT_FORMATS[self.format]

    def _guard(self) -> FailureCatcher:
        """Turn an exception in the block, which must not stop the other renditions, into the reason of a failure."""
        return FailureCatcher(self._give_up)

    def _give_up(self, failure: Skipped | Failed) -> None:
        self.failure = failure

    def choose_format(self) -> None:
        """Choose the output's format, and how many frames go into it."""
        with self._guard():
            source = self._source
            self.format = output_format(source.image.format, self.rendition)
            if self.rendition.format is None and source.spec.substitute:
                self.diagnostics.warn(f"written as {SPECS[self.format].label}: {source.spec.label} cannot be written")
            self.frames = source.frames_for(self.output)
            if source.frame_count > self.frames and self._recipe.animation is Animation.KEEP:
                at_least = "at least " if source.frame_count == self._recipe.max_frames + 1 else ""
                noun = source.spec.frame_noun
                self.diagnostics.warn(f"only the first of {at_least}{source.frame_count} {noun} was kept")

    def skip_duplicate(self, visible: Dimensions) -> None:
        """Leave it out because a smaller rendition is identical.

        Args:
            visible: the size of what is resized, in pixels.
        """
        width, height = visible
        self.failure = Skipped(Reason.DUPLICATE, f"the source is only {width} x {height}")

    def plan(self, picture: Picture) -> int:
        """Plan a prepared frame; return how many pixels it will have, or 0 if the rendition is not to be made."""
        if self.is_pending:
            with self._guard():
                # All frames of an animation follow the plan of the first.
                if self._plan is None or self._source.is_paged:
                    self._plan = plan(picture, self._recipe, self.rendition)
                    check_pixels(self._plan.canvas, self._recipe.max_pixels, "the output would have", self.frames)
        return self._plan.scaled[0] * self._plan.scaled[1] if self.is_pending and self._plan else 0

    def add_frame(self, picture: Picture, cascade: list[CascadeSource]) -> CascadeSource | None:
        """Resize and finish a prepared frame that was planned.

        Args:
            picture: the frame.
            cascade: larger renditions of this frame, from which this one may be made.

        Returns:
            This rendition of the frame, for smaller ones; None if it is not made.
        """
        made = None
        if self.is_pending and not self.is_complete:
            with self._guard():
                made = self._add_frame(picture, cascade)
        return made

    def _add_frame(self, picture: Picture, cascade: list[CascadeSource]) -> CascadeSource:
        assert self._plan is not None  # noqa: S101 -- it was planned.
        resized = resize_from(cascade, picture, self._plan, self._recipe.resize)
        own = replace(resized, diagnostics=self.diagnostics)
        finished = apply_after(own, self._recipe, Target(self._plan, self.output))
        self._images.append(finished.image)
        self._profiles.append(finished.profile)
        return CascadeSource(self._plan.area, resized)

    def fail(self, error: Exception) -> None:
        """Give up, unless all frames are there."""
        if self.is_pending and not self.is_complete:
            self.failure = failure_of(error)

    def encode(self, kept: metadata.MetadataBlocks) -> Rendered | None:
        """Return the rendition, without its timings; None if it failed.

        Args:
            kept: the metadata to embed.
        """
        rendered = None
        if self.is_pending:
            with self._guard():
                encoded = self._encode_with_map(kept)
                self._avoided = find_avoided_losses(encoded, self._source, self.format)
                if self._source.has_credentials and not (encoded.is_copy or self._recipe.metadata is Metadata.NONE):
                    self.diagnostics.warn(REMOVED)
                rendered = self._describe(encoded)
        return rendered

    def _encode_with_map(self, kept: metadata.MetadataBlocks) -> Encoded:
        """Encode the rendition, with the gain map of the source if that applies to it."""
        own = self._own_pixels(kept)
        if own is not None and self.rendition.lossless and own.would_lose:
            gain_map, blocks = self._find_map(kept, is_own=True)
            repacked = replace(own, blocks=blocks, reserved=self._reserved).repack()
            if repacked is not None:
                return _embed_map(repacked, gain_map)
            if not self.output.is_always_lossy:
                self.diagnostics.warn("encoded again without loss: its own coded pixels cannot be kept")
        gain_map, blocks = self._find_map(kept)
        return _embed_map(self._encode_or_keep(blocks), gain_map)

    def _find_map(
        self, kept: metadata.MetadataBlocks, *, is_own: bool = False
    ) -> "tuple[OutputMap | None, metadata.MetadataBlocks]":
        """Return the gain map, and the metadata that announces it; None, and why as a warning, if it does not apply.

        Args:
            kept: the metadata to embed.
            is_own: whether the rendition has the source's own coded pixels, as they are stored.
        """
        try:
            gain_map = self._make_map(is_own=is_own)
            announced = gain_map.announce(kept.xmp) if gain_map else kept.xmp
        except GainMapError as error:
            self.diagnostics.warn(f"its HDR part was dropped: {error}")
            return None, kept
        self._reserved = gain_map.size if gain_map else 0
        return gain_map, replace(kept, xmp=announced)

    def _make_map(self, *, is_own: bool) -> "OutputMap | None":
        """Return the gain map of the rendition; None if the source has none.

        Raises:
            GainMapError: it does not apply to the rendition.
        """
        hdr_part = self._source.hdr_part
        if hdr_part is None:
            return None
        # Few pictures have a gain map.
        from forkresize.image.gainmap.output import check_output, check_recipe, keep_map, make_map

        gain_map = hdr_part.find()
        check_recipe(self._recipe, self.format)
        if is_own:
            return keep_map(gain_map, self._source.image.size)
        assert self._plan is not None  # noqa: S101 -- it was planned and resized.
        check_output(gain_map, self._plan, is_converted=self._profiles[-1] != self._source.profile)
        made = make_map(gain_map, predict_view(self._source.view, self._recipe), self._plan)
        most = self.rendition.max_bytes
        if most is not None and made.size > most // 2:
            raise GainMapError(f"its gain map takes {made.size} of the {most} bytes")
        return made

    def _encode_or_keep(self, kept: metadata.MetadataBlocks) -> Encoded:
        own = self._own_pixels(kept)
        if own is None:
            return self._encode(kept)
        # Without loss, the coefficients of a JPEG take much fewer bytes than its pixels.
        packed = own.pack_jpeg() if self.rendition.lossless else None
        return packed or own.smaller(self._encode(kept))

    def _encode(self, kept: metadata.MetadataBlocks) -> Encoded:
        if len(set(self._profiles)) > 1:
            self._convert_to_srgb()
        timing = self._source.timing if len(self._images) > 1 else Timing()
        frames = Frames(timing.durations, timing.loop, images=tuple(self._images), diagnostics=self.diagnostics)
        embedded = metadata.save_options(kept, self.format, self.diagnostics)
        if self._profiles[0] and self.output.profile:
            embedded["icc_profile"] = self._profiles[0]
        rendition = self.rendition
        if rendition.lossless and self.output.is_always_lossy:
            self.diagnostics.warn(f"encoded with loss: {SPECS[self.format].label} has no lossless compression")
        if rendition.max_bytes is not None:
            rendition = replace(rendition, max_bytes=rendition.max_bytes - self._reserved)
        return encode(frames, self.format, rendition, embedded)

    def all_warnings(self, of_source: Iterable[str]) -> tuple[str, ...]:
        """Return the warnings that are true of this rendition, those about decoding its source first."""
        return tuple(each for each in (*of_source, *self.diagnostics.warnings) if loss_of(each) not in self._avoided)

    def _describe(self, encoded: Encoded) -> Rendered:
        return Rendered(
            rendition=self.number,
            data=encoded.data,
            format=self.format,
            media_type=media_type(self.format),
            size=encoded.size,
            source_size=self._source.size,
            source_format=self._source.format_name,
            quality=encoded.quality,
            ssim=encoded.ssim,
            timings=Timings(),
        )

    def _convert_to_srgb(self) -> None:
        """Convert pages with different profiles to sRGB: a file has a place for only one."""
        self.diagnostics.warn("its pages have several color profiles, and were converted to sRGB")
        pages = zip(self._images, self._profiles, strict=True)
        self._images = [to_srgb(Picture.plain(image, profile)).image for image, profile in pages]
        self._profiles = [None] * len(self._images)

    def _own_pixels(self, kept: metadata.MetadataBlocks) -> OwnPixels | None:
        """Return the source's own coded pixels if the output shows the whole source, and may have them."""
        recipe, layout = self._recipe, self._plan
        is_wanted = recipe.if_larger is not IfLarger.WRITE or self.rendition.lossless
        is_complete = self.is_complete and self.frames == self._source.frame_count
        if not is_wanted or not is_complete or layout is None or not is_whole(self._source, layout, recipe):
            return None
        return OwnPixels(
            source=self._source,
            data=self._source.read_file(),
            blocks=kept,
            recipe=recipe,
            rendition=self.rendition,
            format=self.format,
            image=self._images[-1],
            profile=self._profiles[-1],
            diagnostics=self.diagnostics,
        )


def _embed_map(encoded: Encoded, gain_map: "OutputMap | None") -> Encoded:
    return replace(encoded, data=gain_map.embed(encoded.data)) if gain_map and not encoded.is_copy else encoded
