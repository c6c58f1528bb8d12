"""How much memory making a picture takes, told from its header before anything is decoded. Decodes nothing.

The figures were measured (``benchmarks/need.py``): the most resident memory of a worker beyond what it has when idle.
They lean to the high side, so that pictures that are let in by them fit.
"""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from forkresize.formats import OUTPUT_FORMATS, source_spec
from forkresize.image.decode.identify import output_format
from forkresize.image.encode.encoder import request_for
from forkresize.image.errors import PictureError
from forkresize.image.geometry.layout import Layout, layout
from forkresize.image.plan import choose_shrink, static_size
from forkresize.image.source_image import SourceImage
from forkresize.image.steps.registry import operation_of
from forkresize.recipe import Fit, Recipe, Rendition

_MARGIN = 1.1
_LEAST = 4 << 20
"""Bytes that even a tiny picture may take: buffers, tables, and code that is used for the first time."""

_SMALL = 1 << 18
_MOST = 64
"""Up to so many pixels, so many bytes for each are enough of an estimate."""

_WIDE = 4
_STORED: Mapping[str, int] = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2}
"""Bytes in which Pillow keeps a pixel of a mode; of all others it is 4, three channels among them."""

_DEEP, _STEP = 6, 8
"""Bytes a pixel that a change takes while it is made, its result included; deep gray goes by way of 32 bits."""

_LINEAR_SOURCE, _LINEAR_TARGET = 6, 12
"""Bytes a pixel and channel of resizing in linear light: by the pixels there are, and by those that are made."""

_SEVERAL = 12
"""Bytes a pixel of going through several frames: copies of this one and the last, and what the next is drawn over."""


class _Source(Struct, frozen=True):
    """The picture as it will be decoded: its pixels, bytes a pixel as decoded and once unpacked, and its channels."""

    pixels: float
    rows: float
    stored: int
    unpacked: int
    channels: int
    alpha: bool

    @property
    def held(self) -> float:
        """Bytes of the image, and of what it is unpacked to."""
        return self.pixels * (self.stored + (self.unpacked if self.unpacked > self.stored else 0))


class _Output(Struct, frozen=True):
    """One output: its layout and frames, its images' bytes, and those that it takes to make and to encode them."""

    plan: Layout
    frames: int
    held: float
    finishing: float
    encoding: float


def estimate_memory(original: SourceImage, recipe: Recipe, renditions: Sequence[Rendition], size: int) -> int:
    """Return the bytes of memory that it takes to make a picture's outputs, beyond those of an idle worker.

    Args:
        original: the picture, of which the header has been read.
        recipe: what is made of it.
        renditions: those of the recipe's that are to be made.
        size: bytes of the file.

    Raises:
        PictureError: a step can't be done to a picture of this size, or the one output that is asked for can't be made.
    """
    width, height = original.image.size
    if width * height <= _SMALL and _stays_small(original, recipe, renditions):
        return width * height * len(renditions) * _MOST + _LEAST
    by = choose_shrink(original, recipe, renditions)
    source = _source(original, by)
    outputs = list(_outputs(original, recipe, renditions, source))
    changed = source.pixels * _changing(recipe)
    decoding = source_spec(original.image.format).decoder_memory(original.image, source.pixels, source.channels, size)
    held = source.held + min(changed, source.pixels * _WIDE) + sum(each.held for each in outputs)
    if any(each.frames > 1 for each in outputs):
        # The decoder stays for the next frame.
        held += decoding + source.pixels * _SEVERAL
    peak = max(
        source.pixels * source.stored + decoding,
        source.held + max(changed, source.pixels * (_DEEP if source.stored == _STORED["I;16"] else 0)),
        *(held + max(_resizing(source, each.plan, recipe), each.finishing, each.encoding) for each in outputs),
    )
    return round(peak * _MARGIN) + _LEAST


def _stays_small(original: SourceImage, recipe: Recipe, renditions: Sequence[Rendition]) -> bool:
    """Whether nothing that is made has more pixels than the picture, so that a closer look is not worth its time."""
    fit = recipe.resize.fit
    grows = any(each.size.enlarge or (each.size.fit or fit) is Fit.CONTAIN for each in renditions)
    return not grows and len(recipe.steps) == 1 and original.frames == 1


def _source(original: SourceImage, by: int) -> _Source:
    image = original.image
    mode, transparent = image.mode, "transparency" in image.info
    stored = _STORED.get(mode, _WIDE)
    gray = mode in {"1", "L", "LA"} or stored == _STORED["I;16"]
    alpha = transparent or mode in {"LA", "PA", "RGBA", "La", "RGBa"}
    channels = (1 if gray else 4 if mode == "CMYK" else 3) + alpha
    # What is gray and opaque stays as small as it is.
    unpacked = stored if gray and not alpha else _WIDE
    width, height = image.size
    return _Source(width * height / by**2, min(width, height) / by, stored, unpacked, channels, alpha)


def _changing(recipe: Recipe) -> int:
    """Return the bytes a pixel that the steps before resizing take."""
    steps = [(operation_of(step), step) for step in recipe.steps_before_resize]
    return max((operation.memory for operation, step in steps if not operation.is_deferred(step)), default=0)


def _resizing(source: _Source, plan: Layout, recipe: Recipe) -> float:
    if plan.is_unscaled:
        return 0
    width, height = plan.scaled
    if recipe.resize.linear:
        return source.channels * (source.pixels * _LINEAR_SOURCE + width * height * _LINEAR_TARGET)
    # Premultiplied, copied for kernels that can't read Pillow's memory, and brought to its size along one axis.
    copies = source.pixels * _WIDE * (source.alpha + (source.alpha and source.channels == len("LA")))
    copies += width * height * _WIDE * source.alpha
    return copies + max(width, height) * source.rows * source.unpacked


def _outputs(
    original: SourceImage, recipe: Recipe, renditions: Sequence[Rendition], source: _Source
) -> Iterator[_Output]:
    shown = static_size(original, recipe) or original.view.shown
    for rendition in renditions:
        try:
            output = output_format(original.image.format, rendition)
            writer = OUTPUT_FORMATS[output]
            frames = original.frames_for(writer)
        except PictureError:
            if len(renditions) == 1:
                raise
            continue  # It fails on its own account.
        plan = layout(shown, rendition.size, recipe.resize)
        pixels = plan.canvas[0] * plan.canvas[1]
        gray = source.channels - source.alpha == 1 and "L" in writer.modes and not recipe.steps_after_resize
        mode = "RGBA" if source.alpha and "RGBA" in writer.modes else "L" if gray else "RGB"
        memory, request = writer.memory, request_for(output, rendition, rendition.quality_for(output), mode=mode)
        yield _Output(
            plan=plan,
            frames=frames,
            held=pixels * frames * (source.unpacked if gray else _WIDE),
            finishing=pixels * _STEP * (bool(recipe.steps_after_resize) or source.alpha or plan.canvas != plan.scaled),
            encoding=pixels * memory.per_pixel(request) + memory.for_further_frames(pixels, frames - 1),
        )
