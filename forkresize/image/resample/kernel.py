"""Resampling: SIMD where there is a wheel of it that knows the pixels, Pillow elsewhere. Knows no fit."""

from functools import cache, lru_cache
from math import ceil, floor
from types import ModuleType
from typing import Any

from PIL import Image

from forkresize.image.color.alpha import PREMULTIPLIED, premultiply, unpremultiply
from forkresize.image.geometry.region import Dimensions
from forkresize.recipe import Resample

Box = tuple[float, float, float, float]
"""Left, top, width and height in pixels."""

_PILLOW = {
    Resample.LANCZOS: Image.Resampling.LANCZOS,
    Resample.BICUBIC: Image.Resampling.BICUBIC,
    Resample.BILINEAR: Image.Resampling.BILINEAR,
    Resample.HAMMING: Image.Resampling.HAMMING,
    Resample.BOX: Image.Resampling.BOX,
    Resample.NEAREST: Image.Resampling.NEAREST,
}

# Pillow's bicubic has a = -0.5, which makes it Catmull and Rom's. Box is left to Pillow: it jumps where a pixel is just
# in or just out, and the two don't agree on which are.
_SIMD = {
    Resample.LANCZOS: "lanczos3",
    Resample.BICUBIC: "catmull_rom",
    Resample.BILINEAR: "bilinear",
}

_SUPPORT = 3
"""How far the widest kernel reaches from its middle, in pixels of the source or the target, whichever are larger."""

_CACHED = 1024
"""Boxes whose options are kept; the pictures of a folder have few sizes."""

_IN_PLACE = frozenset({"L", "RGB", "RGBa", "CMYK", "F"})
"""Modes whose pixels are read where Pillow keeps them."""

_COPIED = {"La": "U8x2", "I;16": "U16"}
"""Modes whose pixels are read from a copy, and what they are called there."""


@cache
def simd() -> ModuleType | None:
    """Return the module with the SIMD kernels, loaded on the first call; None where there is none."""
    try:
        import cykooz_resizer
    except ImportError:
        return None
    return cykooz_resizer  # type: ignore[no-any-return]


def is_mirror_exact(mode: str, resample: Resample) -> bool:
    """Whether mirrored input gives mirrored output to the bit.

    Deeper pixels show the last bit of every weight.
    """
    return _uses_simd(mode, resample) and mode not in {"I;16", "F"}


def resample(
    image: Image.Image, size: Dimensions, box: Box, resample: Resample, *, rows_first: bool = True
) -> Image.Image:
    """Return a part of an image at another size.

    Colors are premultiplied by alpha. By kernels without negative lobes, a translucent edge comes out as if it
    had been laid on its background before, whatever that is; others overshoot at hard edges, which no alpha can hold.

    Args:
        image: an image of mode L, LA, RGB, RGBA, CMYK, I;16, I or F.
        size: the width and height wanted.
        box: the part; need not lie on pixel borders.
        resample: the kernel.
        rows_first: go along the rows before going down the columns, instead of the other way round. Pixels are rounded
            and cut off at black and white in between, so the order shows.
    """
    if resample is Resample.NEAREST:
        return _by_pillow(image, size, box, resample)
    image, box = _first_pass(_premultiply(image), size, box, resample, rows_first=rows_first)
    return _unpremultiply(_convolved(image, size, box, resample))


def _first_pass(
    image: Image.Image, size: Dimensions, box: Box, resample: Resample, *, rows_first: bool
) -> tuple[Image.Image, Box]:
    """Return what the second pass needs, brought to its size along one axis, and where the part lies in it."""
    left, top, width, height = box
    if rows_first:
        start, length = _needed(top, height, size[1], image.height)
        along = _convolved(image, (size[0], length), (left, start, width, length), resample)
        return along, (0, top - start, size[0], height)
    start, length = _needed(left, width, size[0], image.width)
    down = _convolved(image, (length, size[1]), (start, top, length, height), resample)
    return down, (left - start, 0, width, size[1])


def _needed(start: float, length: float, target: int, side: int) -> tuple[int, int]:
    """Return from which row or column on, and how many of them, a part is made of."""
    reach = _SUPPORT * max(1, length / target) + 1
    first, last = max(0, floor(start - reach)), min(side, ceil(start + length + reach))
    return first, last - first


def _uses_simd(mode: str, resample: Resample) -> bool:
    known = mode in _IN_PLACE or mode in _COPIED or mode in PREMULTIPLIED
    return known and resample in _SIMD and simd() is not None


def _premultiply(image: Image.Image) -> Image.Image:
    module: Any = simd()
    if module and image.mode == "RGBA":
        return module.AlphaMulDiv().multiply_alpha_pil(image)  # type: ignore[no-any-return]
    return premultiply(image)


def _unpremultiply(image: Image.Image) -> Image.Image:
    module: Any = simd()
    if module and image.mode == "RGBa":
        return module.AlphaMulDiv().divide_alpha_pil(image)  # type: ignore[no-any-return]
    return unpremultiply(image)


def _convolved(image: Image.Image, size: Dimensions, box: Box, resample: Resample) -> Image.Image:
    if not _uses_simd(image.mode, resample):
        return _by_pillow(image, size, box, resample)
    module: Any = simd()
    options = _options(box, resample)
    if image.mode in _IN_PLACE:
        target = Image.new(image.mode, size)
        module.Resizer().resize_pil(image, target, options)
        return target
    kind = module.PixelType[_COPIED[image.mode]]
    copy = module.ImageData(*size, kind)
    module.Resizer().resize(module.ImageData(*image.size, kind, image.tobytes()), copy, options)
    return Image.frombytes(image.mode, size, copy.get_buffer())


@lru_cache(maxsize=_CACHED)
def _options(box: Box, resample: Resample) -> Any:
    module: Any = simd()
    return module.ResizeOptions(
        resize_alg=module.ResizeAlg.convolution(module.FilterType[_SIMD[resample]]),
        use_alpha=False,
        crop_box=module.CropBox(*box),
    )


def _by_pillow(image: Image.Image, size: Dimensions, box: Box, resample: Resample) -> Image.Image:
    left, top, width, height = box
    return image.resize(size, _PILLOW[resample], (left, top, left + width, top + height))
