"""An opened picture: its header at once, its frames when asked for, decoded no larger than needed. Knows no step."""

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import BinaryIO

from msgspec import Struct
from PIL import Image

from forkresize import storage
from forkresize.formats import OutputSpec, webp
from forkresize.image import metadata
from forkresize.image.color.info import read_color_info
from forkresize.image.decode.counting import count_frames
from forkresize.image.decode.gain_map import count_visible_images, has_gain_map
from forkresize.image.decode.identify import identify
from forkresize.image.decode.jpeg_scans import drop_ac_scans
from forkresize.image.decode.tolerant import accept_truncated
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.errors import decoding, unreadable_error
from forkresize.image.geometry.region import Dimensions, is_sideways
from forkresize.image.limits import check_file_size, check_frames, check_pixels, check_total_pixels
from forkresize.image.picture import Picture, View
from forkresize.recipe import Animation, OnTruncated, Recipe

_BUFFER = 1 << 16
"""Bytes read at once; Pillow's decoders ask for as much."""

_SHRINK_ON_LOAD = frozenset({"JPEG", "MPO"})
"""The formats that can be decoded at a smaller scale; of these the size, and which way is up, are known beforehand."""

_ICC_PROFILE = 34675
"""TIFF's tag for it (ICC.1, B.4)."""

_DC_ONLY = 8
"""The reduction at which a JPEG's pixels are the means of its blocks."""

_ANIMATED = frozenset({"GIF", "PNG", "WEBP", "AVIF", "FLI"})
_PAGED = frozenset({"TIFF"})

_GRAY_LEVELS = {"L;2": 85, "L;4": 17}
"""What Pillow multiplies the values of PNG's shallow grays with, by what it calls them."""


class Timing(Struct, frozen=True):
    """How an animation runs.

    Attributes:
        durations: of each frame, in milliseconds; empty for a still picture and for pages.
        loop: how often it is shown, 0 for ever; None where it does not say.
    """

    durations: tuple[int, ...] = ()
    loop: int | None = None


class SourceImage:
    """A picture whose header has been read. Its frames are decoded when they are asked for.

    Attributes:
        image: in Pillow's terms; stands at the frame that was read last.
        view: which part of the pixels is seen, and which way up: all of it, as EXIF tells.
        size: width and height in pixels, upright.
    """

    def __init__(
        self,
        file: BinaryIO,
        path: str,
        recipe: Recipe,
        diagnostics: Diagnostics,
        before_decoding: Callable[["SourceImage"], object],
    ) -> None:
        self._file = file
        self._path = path
        self._recipe = recipe
        self.diagnostics = diagnostics
        # Pillow allocates the pixels of a WebP when it opens it.
        size_of_webp = webp.size_in_head(file.read(webp.HEAD_BYTES))
        if size_of_webp:
            check_pixels(size_of_webp, recipe.max_pixels, "the picture has")
        file.seek(0)
        self.image = identify(file, path, diagnostics)
        check_pixels(self.image.size, recipe.max_pixels, "the picture has")
        self._durations: list[int] = []
        self._pixels = 0
        self._declared = read_color_info(self.image, diagnostics)
        self._views = count_visible_images(self.image) if self.image.format == "MPO" else 0
        if self._declared.is_hdr or has_gain_map(self.image):
            diagnostics.warn("its HDR part was dropped")
        # To look for the rest of its EXIF, Pillow decodes a PNG.
        self.view = self._seen() if self.image.format in _SHRINK_ON_LOAD else View.whole(self.image.size)
        before_decoding(self)
        if self.image.format not in _SHRINK_ON_LOAD:
            # Only now is the true size known, and which way is up.
            self._load()
            check_pixels(self.image.size, recipe.max_pixels, "the picture has")
            self.view = self._seen()
        self.size: Dimensions = self.view.size

    @property
    def profile(self) -> bytes | None:
        """The ICC profile that the pixels follow, embedded or made of what the file says; None for sRGB."""
        if self.image.format == "TIFF":
            # Each page has its own, and Pillow keeps one for all.
            return self.image.tag_v2.get(_ICC_PROFILE)  # type: ignore[attr-defined, no-any-return]
        return self._declared.profile or self.image.info.get("icc_profile")

    @property
    def supports_shrink_on_load(self) -> bool:
        """Whether it can be decoded at a smaller scale."""
        return self.image.format in _SHRINK_ON_LOAD

    @property
    def is_animated(self) -> bool:
        """Whether it has several frames, each for its time."""
        return self.image.format in _ANIMATED and self.frames > 1

    @property
    def is_paged(self) -> bool:
        """Whether it has several pages."""
        return self.image.format in _PAGED and self.frames > 1

    @cached_property
    def frames(self) -> int:
        """How many frames, pages or other pictures to see there are in the file; those too many are not all counted."""
        if self._views:
            return self._views
        # The first frame of a PSD is the whole picture, and the others are its layers.
        if self.image.format == "PSD":
            return 1
        # Counting them reads what is damaged as well.
        with decoding(self._path, self.diagnostics):
            return count_frames(self.image, self._recipe.max_frames) - self._first

    def frames_for(self, writer: OutputSpec) -> int:
        """Return how many frames go into an output: all, where they are to be kept and it can hold them.

        Args:
            writer: what the output's format can hold.

        Raises:
            PictureError: they are more than are allowed, or have more pixels.
        """
        is_held = (writer.animated and self.is_animated) or (writer.paged and self.is_paged)
        if self._recipe.animation is Animation.FIRST or not is_held:
            return 1
        check_frames(self.frames, self._recipe.max_frames)
        if self.is_animated:
            width, height = self.image.size
            check_total_pixels(width * height * self.frames, self._recipe.max_pixels)
        return self.frames

    @property
    def timing(self) -> Timing:
        """How the frames that have been gone through run."""
        if not self._durations:
            return Timing()
        # An AVIF says nothing of it, and every viewer repeats it for ever.
        loop = 0 if self.image.format == "AVIF" else self.image.info.get("loop")
        # A GIF says how often it is repeated, and the others how often it is shown.
        return Timing(tuple(self._durations), loop + 1 if loop and self.image.format == "GIF" else loop)

    @property
    def _first(self) -> int:
        """The number of the first frame; an APNG's default image is none."""
        return int(bool(getattr(self.image, "default_image", False)) and getattr(self.image, "n_frames", 1) > 1)

    def pictures(self, frames: int, reduction: int) -> Iterator[Picture]:
        """Yield the first frames; those of an animation may be gone through again.

        Args:
            frames: how many.
            reduction: by how much to reduce a picture that can be reduced: 1, 2, 4 or 8.
        """
        if reduction > 1:
            width, height = self.image.size
            self.image.draft(None, (max(1, width // reduction), max(1, height // reduction)))
        if reduction == _DC_ONLY and self.image.format == "JPEG" and self.image.info.get("progressive"):
            self._leave_out_details()
        several = frames > 1
        self._durations, self._pixels = [], 0
        for number in range(frames):
            with decoding(self._path, self.diagnostics):
                picture = self._picture(number if several else None, reduction)
            yield picture

    def _leave_out_details(self) -> None:
        self._file.seek(0)
        enough = drop_ac_scans(self._file.read())
        if enough is not None:
            self.image.fp = io.BytesIO(enough)

    def _picture(self, number: int | None, reduction: int) -> Picture:
        if number is not None:
            self.image.seek(self._first + number)
            self._check_frame(number)
        self._load()
        if number is not None and self.is_animated:
            self._durations.append(round(self.image.info.get("duration") or 0))
        return Picture(
            # The next frame is decoded to the same place.
            image=self.image if number is None else self.image.copy(),
            view=self.view if number is None else self._seen(),
            reduction=reduction,
            profile=self.profile,
            diagnostics=self.diagnostics,
        )

    def _check_frame(self, number: int) -> None:
        """Check the size of a frame, which only now is known: pages differ, and a GIF may grow."""
        width, height = self.image.size
        self._pixels += width * height
        check_pixels(self.image.size, self._recipe.max_pixels, f"frame {number + 1} has")
        check_total_pixels(self._pixels, self._recipe.max_pixels)

    def _seen(self) -> View:
        width, height = self.image.size
        orientation = metadata.orientation(self.image) if self._recipe.auto_orient else 1
        return View.whole((height, width) if is_sideways(orientation) else (width, height), orientation)

    def _load(self) -> None:
        _scale_transparent_color(self.image)
        if self._recipe.on_truncated is OnTruncated.FAIL:
            self.image.load()
            return
        try:
            self.image.load()
        except OSError as error:
            self._salvage(error)

    def _salvage(self, fault: OSError) -> None:
        """Load what is there; what is not stays gray or black."""
        size, number = self.image.size, self.image.tell()
        self._file.seek(0)
        again = identify(self._file, self._path, Diagnostics())
        if number:
            again.seek(number)
        if size != again.size:
            again.draft(None, size)
        accept_truncated(again)
        again.load()
        self.image = again
        self.diagnostics.warn(f"salvaged, a part is missing: {fault}")


def _no_callback(_: SourceImage) -> None:
    """Wait for nothing."""


@contextmanager
def open_source_image(
    path: str, recipe: Recipe, diagnostics: Diagnostics, before_decoding: Callable[[SourceImage], object] = _no_callback
) -> Iterator[SourceImage]:
    """Open a picture; its file stays open for the block.

    Args:
        path: where it is.
        recipe: says how large it may be, and whether it is turned upright.
        diagnostics: receives warnings.
        before_decoding: called with the picture when its header has been read; it may look at that, and wait.

    Raises:
        MemoryError: there will never be enough for it.
        PictureError: it can't be read, is no picture, is damaged, or larger than is allowed.
    """
    try:
        raw = storage.open_source(path)
    except OSError as error:
        raise unreadable_error(path, error) from error
    with io.BufferedReader(raw, _BUFFER) as file:
        check_file_size(os.fstat(raw.fileno()).st_size, recipe.max_file_size)
        with decoding(path, diagnostics):
            picture = SourceImage(file, path, recipe, diagnostics, before_decoding)
        yield picture


def _scale_transparent_color(image: Image.Image) -> None:
    """Bring the color that a PNG declares transparent to the 8 bits that its pixels are scaled to."""
    told = image.info.get("transparency")
    tiles = getattr(image, "tile", None)
    depth = str(tiles[0].args) if tiles else ""
    if isinstance(told, int) and depth in _GRAY_LEVELS:
        image.info["transparency"] = told * _GRAY_LEVELS[depth]
    elif isinstance(told, tuple) and depth == "RGB;16B":
        image.info["transparency"] = tuple(value >> 8 for value in told)
