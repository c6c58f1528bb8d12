"""A source: its header first, then its frames, decoded no larger than needed."""

import io
import os
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, BinaryIO

from PIL.ImageFile import ImageFile

from forkresize.formats import webp
from forkresize.image import metadata
from forkresize.image.color.info import read_color_info
from forkresize.image.decode.deep import DepthReader
from forkresize.image.decode.depth import EIGHT_BITS
from forkresize.image.decode.gain_map import count_visible_images, has_gain_map
from forkresize.image.decode.identify import identify
from forkresize.image.decode.jpeg_rows import keep_upper_rows
from forkresize.image.decode.raw import preview_file, warn_of_preview
from forkresize.image.deep_image import DeepImage
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.errors import decoding
from forkresize.image.geometry.region import is_sideways
from forkresize.image.limits import check_file_size, check_pixels, check_total_pixels
from forkresize.image.metadata.credentials import has_credentials
from forkresize.image.picture import Picture, Timing, View
from forkresize.image.source_header import SourceHeader
from forkresize.recipe import Depth, OnTruncated, Recipe

if TYPE_CHECKING:
    from forkresize.image.gainmap.source import HdrPart

_DC_ONLY = 8
"""The shrink factor at which a JPEG's pixels are the means of its blocks."""

_JPEGS = frozenset({"JPEG", "MPO"})

_JPEG_BLOCK = 1 << 20
"""Bytes that libjpeg gets at once. It decodes slowly at the end of each block: Pillow's 64 KiB take 2 to 4 % longer."""


class SourceImage(SourceHeader):
    """A picture whose header has been read; its frames are decoded on request.

    Attributes:
        image: Pillow's image; stands at the frame that was read last.
        view: all of the picture, upright as EXIF says. ``load`` may correct it.
        file_size: in bytes.
        hdr_part: its gain map; None if it has none.
    """

    def __init__(self, file: BinaryIO, image: ImageFile, recipe: Recipe, diagnostics: Diagnostics, name: str) -> None:
        super().__init__(image, recipe, diagnostics, name)
        self.file_size = 0
        self._file = file
        self._durations: list[int] = []
        self._pixels = 0
        self._decoded_view: View | None = None
        self._is_salvaged = False
        self._depth = DepthReader()
        self.hdr_part: HdrPart | None = None

    @classmethod
    def open(cls, file: BinaryIO, recipe: Recipe, diagnostics: Diagnostics, name: str = "") -> "SourceImage":
        """Read the header of a picture.

        Args:
            file: seekable; has to stay open while frames are decoded.
            recipe: limits its size, and says whether it is turned upright.
            diagnostics: receives warnings.
            name: identifies the picture in messages; its suffix is a hint for formats without a signature.

        Raises:
            PictureError: it cannot be read, is not a picture, is damaged, or exceeds a limit.
        """
        with decoding(name, diagnostics):
            size = file.seek(0, os.SEEK_END)
            check_file_size(size, recipe.max_file_size)
            file.seek(0)
            # Pillow allocates the pixels of a WebP when it opens the file.
            webp_size = webp.size_in_head(file.read(webp.HEAD_BYTES))
            if webp_size:
                check_pixels(webp_size, recipe.max_pixels, "the picture has")
            file.seek(0)
            image = identify(file, name)
            source = cls(preview_file(image) or file, image, recipe, diagnostics, name)
            source.file_size = size
            source._read_header()
        return source

    def _read_header(self) -> None:
        check_pixels(self.image.size, self._recipe.max_pixels, "the picture has")
        self._depth.note(self.image)
        color = read_color_info(self.image, self._diagnostics)
        self._profile = color.profile
        if self.image.format == "MPO":
            self._visible_images = count_visible_images(self.image)
        if color.is_hdr:
            self._diagnostics.warn("tone-mapped from HDR to the standard range")
        warn_of_preview(self.image, self._diagnostics)
        if has_gain_map(self.image):
            from forkresize.image.gainmap.source import HdrPart

            self.hdr_part = HdrPart(self.image, self._file)
        self._has_credentials = has_credentials(self.image)
        # Pillow decodes a PNG to look for the rest of its EXIF.
        if self.supports_shrink_on_load:
            self.view = self._whole_view()

    def load(self) -> None:
        """Decode the first frame of a format that reveals its size and orientation no earlier.

        A JPEG is left to ``decode``, which may shrink it.

        Raises:
            PictureError: it is damaged, or has too many pixels.
        """
        if not self.supports_shrink_on_load:
            with decoding(self._name, self._diagnostics):
                self._load_frame()
                check_pixels(self.image.size, self._recipe.max_pixels, "the picture has")
                self.view = self._whole_view()

    def read_file(self) -> bytes:
        """Return its file; of a raw file, the preview."""
        self._file.seek(0)
        return self._file.read()

    def deep_mode(self, modes: Collection[str]) -> str | None:
        """Return the mode of a picture whose 16 bits per channel in color are kept; None for any other.

        Args:
            modes: those that an output can hold.
        """
        return self._depth.mode_for(modes) if self._recipe.depth is Depth.KEEP else None

    @property
    def is_deep(self) -> bool:
        """Whether it has more bits per channel in color than Pillow reads."""
        return self._depth.depth != EIGHT_BITS

    @property
    def timing(self) -> Timing:
        """How the frames that were decoded last play."""
        if not self._durations:
            return Timing()
        return Timing(tuple(self._durations), self.spec.loop(self.image.info))

    def has_sound_pixels(self, data: bytes) -> bool:
        """Return whether any other program reads them as well, once they are decoded.

        Args:
            data: its file.
        """
        check = getattr(self.image, "has_sound_pixels", None)
        return not self._is_salvaged and (check is None or bool(check(data)))

    def decode(
        self, frames: int, shrink: int, modes: frozenset[str] = frozenset(), rows: int | None = None
    ) -> Iterator[Picture]:
        """Yield the first frames. Those of an animation can be decoded again.

        Args:
            frames: how many.
            shrink: 1, 2, 4 or 8: how many pixels become one along each axis, in a format that supports it.
            modes: those that an output can hold, for pictures of 16 bits per channel.
            rows: how many stored rows are needed, from the first; None for all. A picture may have no more.

        Raises:
            PictureError: a frame is damaged, or they have too many pixels.
        """
        if rows is not None and frames == 1 and self.image.format == "JPEG":
            self._decoded_view = self.view.of_upper_rows(keep_upper_rows(self.image, self._file, rows))
        if self.image.format in _JPEGS:
            self.image.decodermaxblock = _JPEG_BLOCK
        if shrink > 1:
            width, height = self.image.size
            self.image.draft(None, (max(1, width // shrink), max(1, height // shrink)))
        if shrink == _DC_ONLY and self.image.format == "JPEG" and self.image.info.get("progressive"):
            self._drop_ac_scans()
        self._durations, self._pixels = [], 0
        for number in range(frames):
            with decoding(self._name, self._diagnostics):
                picture = (
                    self._decode_frame(number, shrink, modes) if frames > 1 else self._decode_only_frame(shrink, modes)
                )
            yield picture

    def _drop_ac_scans(self) -> None:
        assert self.image.fp is not None  # noqa: S101 -- only loading closes it.
        self.image.fp.seek(0)
        # Few pictures are made so much smaller.
        from forkresize.image.decode.jpeg_scans import drop_ac_scans

        enough = drop_ac_scans(self.image.fp.read())
        if enough is not None:
            self.image.fp = io.BytesIO(enough)

    def _decode_only_frame(self, shrink: int, modes: frozenset[str]) -> Picture:
        self._load_frame()
        return Picture(
            image=self._read_all_bits(modes) or self.image,
            view=self._decoded_view or self.view,
            shrink=shrink,
            profile=self.profile,
            diagnostics=self._diagnostics,
        )

    def _decode_frame(self, number: int, shrink: int, modes: frozenset[str]) -> Picture:
        self.image.seek(self._first + number)
        if number and self.is_paged:
            self._depth.note(self.image)
        # Only now is its size known: pages differ, and a GIF may grow.
        width, height = self.image.size
        self._pixels += width * height
        check_pixels(self.image.size, self._recipe.max_pixels, f"frame {number + 1} has")
        check_total_pixels(self._pixels, self._recipe.max_pixels)
        self._load_frame()
        if self.is_animated:
            self._durations.append(round(self.image.info.get("duration") or 0))
        # A copy, as the next frame is decoded into the same memory.
        image, view = self._read_all_bits(modes) or self.image.copy(), self._whole_view()
        return Picture(image=image, view=view, shrink=shrink, profile=self.profile, diagnostics=self._diagnostics)

    def _read_all_bits(self, modes: frozenset[str]) -> DeepImage | None:
        """Return the loaded frame with all its bits; None, with a warning, if an output or a decoder has only 8."""
        if self.deep_mode(modes):
            return self._depth.read(self.image, self._open_again)
        self._depth.drop_bits()
        if self.is_deep and self._recipe.depth is Depth.KEEP:
            self._diagnostics.warn(f"reduced from {self._depth.depth} to 8 bits per channel")
        return None

    def _open_again(self) -> ImageFile:
        self._file.seek(0)
        return identify(self._file, self._name)

    def _whole_view(self) -> View:
        width, height = self.image.size
        orientation = metadata.orientation(self.image) if self._recipe.auto_orient else 1
        return View.whole((height, width) if is_sideways(orientation) else (width, height), orientation)

    def _load_frame(self) -> None:
        try:
            self.image.load()
        except OSError as error:
            if self._recipe.on_truncated is OnTruncated.FAIL:
                raise
            self._salvage(error)

    def _salvage(self, error: OSError) -> None:
        """Load the part of the frame that is there; missing pixels are gray or black."""
        from forkresize.image.decode.tolerant import accept_truncated

        size, number = self.image.size, self.image.tell()
        again = self._open_again()
        if number:
            again.seek(number)
        if size != again.size:
            again.draft(None, size)
        accept_truncated(again)
        again.load()
        self.image = again
        self._is_salvaged = True
        # Another pass would fail again.
        self._depth.give_up()
        self._diagnostics.warn(f"salvaged, a part is missing: {error}")
