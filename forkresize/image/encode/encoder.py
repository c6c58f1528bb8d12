"""Encodes frames at one quality, with one format's encoder. Searches for no quality."""

import io
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from forkresize.formats import OUTPUT_FORMATS, SPECS, EncodeRequest
from forkresize.formats.spec import Options
from forkresize.image.decode.plugins import load_plugins
from forkresize.image.deep_image import DeepImage
from forkresize.image.picture import Frames
from forkresize.recipe import MAX_COLORS, Rendition

_SHARED = ("lossless", "progressive", "subsampling", "effort", "max_bytes", "ssim", "ssim_metric")
"""The fields of a rendition that a request has under the same name."""

_NAMELESS = "\N{HORIZONTAL ELLIPSIS}"
"""The name of a file without its suffix. SGI holds the name of its file; Pillow leaves out what is not ASCII."""


class Encoded(Struct, frozen=True, kw_only=True):
    """The bytes of a file.

    Attributes:
        data: the bytes.
        size: width and height of the first frame in pixels; a limit of bytes may have made it smaller.
        quality: the encoder's; None if the format has none, or is lossless.
        ssim: the similarity, if it was a target.
        is_copy: whether it is the source's file, byte for byte.
        is_own: whether it has the source's own coded pixels.
    """

    data: bytes
    size: tuple[int, int]
    quality: int | None
    ssim: float | None = None
    is_copy: bool = False
    is_own: bool = False


class Encoder(Struct, frozen=True, kw_only=True):
    """Makes files of one format.

    Attributes:
        output: the format's name.
        rendition: how well to encode.
        embedded: metadata and profile, as keyword arguments of Pillow's ``Image.save``.
    """

    output: str
    rendition: Rendition
    embedded: Mapping[str, Any]

    def encode(self, frames: Frames, quality: int | None) -> Encoded:
        """Encode frames in modes that the format holds.

        Args:
            frames: the pictures.
            quality: 1 to 100; None for a format that has none, and for lossless.
        """
        frames = self._with_palette(frames)
        request = self.request(frames, quality)
        # Otherwise, Pillow would load all of its plug-ins.
        load_plugins([self.output.upper()])
        spec, files = OUTPUT_FORMATS[self.output], self._take_shortcut(frames)
        if not (files and spec.is_hasty(request)):
            files += self._variants(frames, request)
        smallest = min(files, key=len)
        smallest = spec.encode_otherwise(frames.images, request, smallest)
        data = spec.correct(spec.repack(smallest, request))
        return Encoded(data=data, size=frames.images[0].size, quality=quality)

    def request(self, frames: Frames, quality: int | None) -> EncodeRequest:
        """Return what the format's encoder is asked for; see ``encode``."""
        return EncodeRequest(
            mode=frames.images[0].mode,
            size=frames.images[0].size,
            durations=frames.durations,
            loop=frames.loop,
            frames=len(frames.images),
            quality=quality,
            **rendition_fields(self.output, self.rendition),
        )

    def _take_shortcut(self, frames: Frames) -> list[bytes]:
        """Return the shortcut's file, if it suits the only frame."""
        module, _colon, function = OUTPUT_FORMATS[self.output].shortcut.partition(":")
        if not module or len(frames.images) > 1:
            return []
        made = getattr(import_module(module), function)(frames.images[0], self.embedded)
        return [] if made is None else [made]

    def _variants(self, frames: Frames, request: EncodeRequest) -> list[bytes]:
        spec, files = OUTPUT_FORMATS[self.output], list[bytes]()
        options = spec.options(request)
        if request.frames > 1:
            options |= {"save_all": True, "append_images": frames.images[1:]}
            options |= spec.sequence_options(frames.images, request)
        for variant in spec.variants(request):
            if files and spec.are_good_enough(files, frames.images, request):
                break
            files.append(self._save(frames, {**options, **self.embedded, **variant}))
        return files

    def _with_palette(self, frames: Frames) -> Frames:
        spec = OUTPUT_FORMATS[self.output]
        colors = self.rendition.palette if "palette" in spec.applies else None
        if spec.palette_only:
            colors = colors or MAX_COLORS
        if not colors:
            return frames
        # Few outputs have a palette.
        from forkresize.image.encode.palette import to_palette

        return replace(frames, images=to_palette(frames.images, colors, translucent=spec.palette_alpha))

    def _save(self, frames: Frames, options: Options) -> bytes:
        if any(isinstance(image, DeepImage) for image in frames.images):
            # Few pictures have 16 bits per channel.
            from forkresize.image.encode.deep import save_deep

            return save_deep(frames.images, self.output, options)
        file = io.BytesIO()
        # Given the format by its name, Pillow would load the plug-ins of five others.
        file.name = _NAMELESS + SPECS[self.output].suffixes[0]
        try:
            frames.images[0].save(file, **options)
        except OSError:
            if not (options.get("optimize") or options.get("progressive")):
                raise
            # Both need the whole output in a buffer, whose size Pillow guesses; noise does not fit.
            if self.rendition.progressive:
                frames.diagnostics.warn("image too noisy for progressive encoding; wrote a baseline JPEG")
            return self._save(frames, {**options, "optimize": False, "progressive": False})
        # Not its buffer: that makes a file object which is collected together with it complain.
        return file.getvalue()


def rendition_fields(output: str, rendition: Rendition) -> dict[str, Any]:
    """Return the fields of a request to a format's encoder that come from the rendition."""
    palette = rendition.palette if "palette" in OUTPUT_FORMATS[output].applies else None
    return {name: getattr(rendition, name) for name in _SHARED} | {"palette": palette}
