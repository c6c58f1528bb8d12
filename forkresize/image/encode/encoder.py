"""Encodes frames at one quality, with one format's encoder. Searches for no quality."""

import io
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from forkresize.image.encode.animation import sequence_options
from forkresize.image.encode.mozjpeg import repack
from forkresize.image.encode.options import Options, codec_options, is_good_enough, variants
from forkresize.image.encode.palette import MOST_COLORS, to_palette
from forkresize.image.frames import Frames
from forkresize.recipe import Format, Rendition


class Encoder(Struct, frozen=True, kw_only=True):
    """Makes files of one format.

    Attributes:
        output: the format, in Pillow's lower-case name.
        rendition: how well to encode.
        embedded: what carries metadata and profile, as keyword arguments of Pillow's ``Image.save``.
    """

    output: str
    rendition: Rendition
    embedded: Mapping[str, Any]

    def __call__(self, frames: Frames, quality: int | None) -> bytes:
        """Return the bytes of a file.

        Args:
            frames: in modes that the format holds.
            quality: 1 to 100; None for a format that has none, and for lossless.
        """
        frames = self._with_palette(frames)
        options = self._options(frames, quality)
        made = list(self._made(frames, options))
        smallest = min(made, key=len)
        return repack(smallest) if self.output == Format.JPEG and len(made) > 1 else smallest

    def _made(self, frames: Frames, options: Options) -> Iterator[bytes]:
        still = len(frames.images) == 1
        for trial in variants(self.output, self.rendition, still=still):
            data = self._saved(frames, options | trial)
            yield data
            if is_good_enough(data, frames.images[0], self.rendition):
                return

    def _with_palette(self, frames: Frames) -> Frames:
        if self.output == Format.GIF:
            colors = self.rendition.palette or MOST_COLORS
            return replace(frames, images=to_palette(frames.images, colors, translucent=False))
        if self.output == Format.PNG and self.rendition.palette:
            return replace(frames, images=to_palette(frames.images, self.rendition.palette, translucent=True))
        return frames

    def _options(self, frames: Frames, quality: int | None) -> Options:
        options = codec_options(self.output, self.rendition, quality)
        first = frames.images[0]
        if first.mode == "L":
            options.pop("subsampling", None)
        if self.output == "ico":
            options["sizes"] = [first.size]
        if len(frames.images) > 1:
            options |= sequence_options(frames, self.output)
        return {**options, **self.embedded}

    def _saved(self, frames: Frames, options: Options) -> bytes:
        file = io.BytesIO()
        try:
            frames.images[0].save(file, format=self.output.upper(), **options)
        except OSError:
            if not (options.get("optimize") or options.get("progressive")):
                raise
            # Both need all of the output in a buffer, whose size Pillow guesses; noise does not fit.
            if self.rendition.progressive:
                frames.diagnostics.warn("too much noise for a progressive JPEG; it is a baseline one")
            return self._saved(frames, {**options, "optimize": False, "progressive": False})
        # Not its buffer: that makes a file object which is collected together with it complain.
        return file.getvalue()
