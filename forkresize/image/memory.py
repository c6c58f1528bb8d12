"""How much memory rendering takes, estimated from the header, and whether a failure was caused by a limit on it.

The figures were measured (``benchmarks/need.py``): the peak resident memory of a worker beyond that of an idle one.
They err on the high side, so that pictures that are admitted by them fit.
"""

import contextlib
import mmap
import os
import resource
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO

from msgspec import Struct

from forkresize.formats import OUTPUT_FORMATS, EncodeRequest
from forkresize.image.decode.eager import eager_pixels
from forkresize.image.decode.identify import output_format
from forkresize.image.decode.raw import is_raw
from forkresize.image.encode.encoder import rendition_fields
from forkresize.image.errors import PictureError
from forkresize.image.geometry.layout import Layout, layout
from forkresize.image.plan import choose_shrink, static_size
from forkresize.image.source_image import SourceImage
from forkresize.image.steps.registry import operation_of
from forkresize.outcome import Failed, Reason, Skipped
from forkresize.recipe import Color, Fit, Recipe, Rendition

_MARGIN = 1.1
_MIN_BYTES = 4 << 20
"""Even a tiny picture may take this much: buffers, tables, and code that is used for the first time."""

_SMALL_PIXELS = 1 << 18
_SMALL_BYTES = 64
"""Up to this many pixels, this many bytes a pixel are a good enough estimate."""

_WIDE = 4
_STORED: Mapping[str, int] = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2}
"""Bytes in which Pillow stores a pixel, by mode. All other modes take 4, those with three channels included."""

_DEEP, _STEP = 6, 8
"""Bytes a pixel that a step takes while it runs, with its result; 16-bit gray is converted by way of 32 bits."""

_DEEP_DECODING, _DEEP_MIXING, _DEEP_CONVERTING = 10, 24, 44
"""Bytes a pixel of 16 bits per channel in color: of joining bytes, which HEIF fills before, of mixing premultiplied, of
converting colors."""

_LINEAR_SOURCE, _LINEAR_TARGET = 6, 12
"""Bytes a pixel and channel of resizing in linear light, for the source's and for the output's pixels."""

_FRAMES = 12
"""Bytes a pixel of decoding several frames: copies of this and the previous one, and the canvas of the next."""

_GAIN_MAP = 8
"""Bytes a pixel of a gain map: as decoded, and its copy. The file is read whole."""

_RAW = 48 << 20
"""Bytes of the package that reads raw files, and of NumPy. The file is read whole, twice."""

_SUSPECT = frozenset({Reason.DAMAGED, Reason.UNSUPPORTED, Reason.INTERNAL})
"""Failure reasons that decoders and encoders may report when an allocation failed."""

_LEAST_BYTES = 32 << 20
"""Memory that any failure is checked for: what libraries and threads take when they are used for the first time."""


class _Source(Struct, frozen=True):
    """The picture as it will be decoded.

    Attributes:
        pixels: how many.
        rows: the shorter side.
        stored: bytes a pixel as decoded.
        unpacked: bytes a pixel in the mode that is resampled.
        is_copied: whether it is unpacked to an image of its own.
        channels: how many, alpha included.
        alpha: whether it has an alpha channel or a transparent color.
        deep: the mode of a picture whose 16 bits per channel are kept, beside those that Pillow reads; else empty.
    """

    pixels: float
    rows: float
    stored: int
    unpacked: int
    is_copied: bool
    channels: int
    alpha: bool
    deep: str = ""

    @property
    def held(self) -> float:
        """Bytes of the image, and of the image that it is unpacked to."""
        return self.pixels * (self.stored + self.unpacked * self.is_copied)


class _Output(Struct, frozen=True):
    """One output.

    Attributes:
        plan: its layout.
        frames: how many.
        held: bytes of its images.
        finishing: bytes that the steps after resizing take.
        encoding: bytes that encoding takes.
    """

    plan: Layout
    frames: int
    held: float
    finishing: float
    encoding: float


def estimate_memory(original: SourceImage, recipe: Recipe, renditions: Sequence[Rendition]) -> int:
    """Return the bytes of memory that rendering takes, beyond those of an idle worker.

    Args:
        original: the picture, whose header was read.
        recipe: what to make of it.
        renditions: the renditions of the recipe to make.

    Raises:
        PictureError: a step cannot be applied to a picture of this size, or the only rendition cannot be made.
    """
    width, height = original.image.size
    if width * height <= _SMALL_PIXELS and _stays_small(original, recipe, renditions):
        pixels = width * height
        decoding = original.spec.decoder_memory(
            original.image, pixels, len(original.image.getbands()), original.file_size
        )
        return round(max(pixels * len(renditions) * _SMALL_BYTES, decoding * _MARGIN)) + _MIN_BYTES
    source = _describe(original, choose_shrink(original, recipe, renditions), _deep_mode(original, renditions))
    outputs = list(_describe_outputs(original, recipe, renditions, source))
    step = source.pixels * _step_cost(recipe)
    decoding = original.spec.decoder_memory(original.image, source.pixels, source.channels, original.file_size)
    hdr = original.hdr_part.pixels * _GAIN_MAP + original.file_size if original.hdr_part else 0
    held = hdr + source.held + min(step, source.pixels * _WIDE) + sum(each.held for each in outputs)
    if any(each.frames > 1 for each in outputs):
        # The decoder stays for the next frame.
        held += decoding + source.pixels * _FRAMES
    peak = max(
        source.pixels * source.stored + decoding,
        source.held + max(step, source.pixels * _unpacking_cost(source)),
        *(held + max(_resize_cost(source, each.plan, recipe), each.finishing, each.encoding) for each in outputs),
    )
    return round(peak * _MARGIN) + _MIN_BYTES


def _stays_small(original: SourceImage, recipe: Recipe, renditions: Sequence[Rendition]) -> bool:
    """Return whether no output has more pixels than the picture, so that a closer estimate is not worth its time."""
    fit = recipe.resize.fit
    grows = any(each.size.enlarge or (each.size.fit or fit) is Fit.CONTAIN for each in renditions)
    return not grows and len(recipe.steps) == 1 and original.frame_count == 1


def _unpacking_cost(source: _Source) -> int:
    if source.deep:
        return _DEEP_DECODING
    return _DEEP if source.stored == _STORED["I;16"] else 0


def _deep_mode(original: SourceImage, renditions: Sequence[Rendition]) -> str:
    """Return the mode of a picture whose 16 bits per channel are kept for an output; empty for any other."""
    held = frozenset[str]().union(*_modes_of(original, renditions))
    return original.deep_mode(held) or ""


def _modes_of(original: SourceImage, renditions: Sequence[Rendition]) -> Iterator[frozenset[str]]:
    for rendition in renditions:
        with contextlib.suppress(PictureError):
            yield OUTPUT_FORMATS[output_format(original.image.format, rendition)].modes


def _describe(original: SourceImage, shrink: int, deep: str) -> _Source:
    image = original.image
    mode, transparent = image.mode, "transparency" in image.info
    stored = _STORED.get(mode, _WIDE)
    gray = mode in {"1", "L", "LA"} or stored == _STORED["I;16"]
    alpha = transparent or mode in {"LA", "PA", "RGBA", "La", "RGBa"}
    channels = (1 if gray else 4 if mode == "CMYK" else 3) + alpha
    # Opaque gray stays as small as it is.
    unpacked = stored if gray and not alpha else _WIDE
    if deep:
        # Both passes are held.
        stored, unpacked = 2 * _WIDE, 2 * channels
    width, height = image.size
    return _Source(
        pixels=width * height / shrink**2,
        rows=min(width, height) / shrink,
        stored=stored,
        unpacked=unpacked,
        is_copied=unpacked > stored or mode == "1" or bool(deep),
        channels=channels,
        alpha=alpha,
        deep=deep,
    )


def _step_cost(recipe: Recipe) -> int:
    """Return the bytes a pixel that the steps before resizing take."""
    steps = [(operation_of(step), step) for step in recipe.steps_before_resize]
    return max((operation.memory for operation, step in steps if not operation.is_deferred(step)), default=0)


def _resize_cost(source: _Source, plan: Layout, recipe: Recipe) -> float:
    if plan.is_unscaled:
        return 0
    width, height = plan.scaled
    if recipe.resize.linear:
        return source.channels * (source.pixels * _LINEAR_SOURCE + width * height * _LINEAR_TARGET)
    if source.deep:
        return source.pixels * (_DEEP_MIXING if source.alpha else _WIDE) + max(width, height) * source.rows * _WIDE
    # Premultiplied, copied for kernels that cannot read Pillow's memory, and resized along one axis.
    copies = source.pixels * _WIDE * (source.alpha + (source.alpha and source.channels == len("LA")))
    copies += width * height * _WIDE * source.alpha
    return copies + max(width, height) * source.rows * source.unpacked


def _describe_outputs(
    original: SourceImage, recipe: Recipe, renditions: Sequence[Rendition], source: _Source
) -> Iterator[_Output]:
    visible = static_size(original, recipe) or original.view.visible_size
    for rendition in renditions:
        try:
            output = output_format(original.image.format, rendition)
            spec = OUTPUT_FORMATS[output]
            frames = original.frames_for(spec)
        except PictureError:
            if len(renditions) == 1:
                raise
            continue  # Its builder will report it.
        plan = layout(visible, rendition.size, recipe.resize)
        pixels = plan.canvas[0] * plan.canvas[1]
        gray = source.channels - source.alpha == 1 and "L" in spec.modes and not recipe.steps_after_resize
        deep = source.deep if source.deep in spec.modes else ""
        mode = deep or ("RGBA" if source.alpha and "RGBA" in spec.modes else "L" if gray else "RGB")
        quality = rendition.quality_for(output)
        request = EncodeRequest(mode=mode, quality=quality, **rendition_fields(output, rendition))
        converts = deep and (original.profile or recipe.color is Color.P3)
        is_finished = bool(recipe.steps_after_resize) or source.alpha or plan.canvas != plan.scaled
        yield _Output(
            plan=plan,
            frames=frames,
            held=pixels * frames * (source.unpacked if gray or deep else _WIDE),
            finishing=pixels * (_DEEP_CONVERTING if converts else 0) + pixels * _STEP * is_finished,
            encoding=spec.memory.for_first_frame(pixels, request) + spec.memory.for_further_frames(pixels, frames - 1),
        )


def cannot_allocate(size: int) -> bool:
    """Return whether this process cannot get this many bytes of address space. The memory is not touched."""
    if resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY:
        return False
    try:
        mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()
    except OSError:
        return True
    return False


def reclassify(failure: Skipped | Failed, needed: int, file: BinaryIO, max_pixels: int) -> Skipped | Failed:
    """Return a failure, with the memory limit as its reason if there is one that the picture does not fit in.

    Files look corrupt to the decoders of AVIF, JPEG 2000 and JPEG XL if an allocation fails.

    Args:
        failure: why a picture or a rendition could not be made.
        needed: the estimated bytes; 0 if the header could not be read.
        file: the picture's.
        max_pixels: pictures with more pixels are refused before these are allocated.
    """
    if isinstance(failure, Skipped) or failure.reason not in _SUSPECT:
        return failure
    needed = max(needed or _header_memory(file, max_pixels), _LEAST_BYTES)
    if not cannot_allocate(needed):
        return failure
    message = f"needs about {needed / 1e6:.0f} MB, more than the memory limit of the process leaves: {failure.error}"
    return Failed(Reason.MEMORY_LIMIT, message)


def opening_memory(file: BinaryIO, max_pixels: int) -> int:
    """Return the bytes of opening a file whose pixels are allocated by that; 0 for others, and beyond the limit."""
    file.seek(0)
    if is_raw(file):
        return 2 * file.seek(0, os.SEEK_END) + _RAW
    pixels, cost = eager_pixels(file)
    return round(pixels * cost * _MARGIN) + _MIN_BYTES if _SMALL_PIXELS < pixels <= max_pixels else 0


def _header_memory(file: BinaryIO, max_pixels: int) -> int:
    """Return the bytes that reading the header takes: some decoders read the whole file."""
    file.seek(0)
    pixels, cost = eager_pixels(file)
    return pixels * cost * (pixels <= max_pixels) + file.seek(0, os.SEEK_END)
