"""Resampling: by SIMD kernels where they are installed and support the pixels, by Pillow elsewhere."""

from functools import cache, lru_cache, partial
from math import ceil, floor
from types import ModuleType
from typing import Any

from PIL import Image

from forkresize.image.color.alpha import PREMULTIPLIED, premultiply, unpremultiply
from forkresize.image.deep_image import DEEP_ALPHA, DeepImage
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

# Pillow's bicubic has a = -0.5, as Catmull and Rom's. Box is left to Pillow: the two differ in which pixels are just
# inside of a box.
_SIMD = {
    Resample.LANCZOS: "lanczos3",
    Resample.BICUBIC: "catmull_rom",
    Resample.BILINEAR: "bilinear",
}

_SUPPORT = 3
"""Radius of the widest kernel, in pixels of the source or of the target, the larger of both."""

_CACHED = 1024
"""Options to cache: the pictures of a directory have few different sizes."""

_IN_PLACE = frozenset({"L", "RGB", "RGBa", "CMYK", "F"})
"""Modes whose pixels are read from Pillow's memory."""

_COPIED = {"La": "U8x2", "I;16": "U16"}
"""Modes whose pixels are read from a copy, and their pixel types."""


@cache
def simd() -> ModuleType | None:
    """Return the module with the SIMD kernels, loaded on the first call; None if it is not installed."""
    try:
        import cykooz_resizer
    except ImportError:
        return None
    return cykooz_resizer  # type: ignore[no-any-return]


def is_mirror_exact(mode: str, resample: Resample) -> bool:
    """Return whether mirrored input gives exactly mirrored output.

    With more than 8 bits, the last bit of each weight shows.
    """
    return _uses_simd(mode, resample) and mode not in {"I;16", "F"}


def resample(
    image: Image.Image, size: Dimensions, box: Box, resample: Resample, *, rows_first: bool = True
) -> Image.Image:
    """Resample a part of an image, with premultiplied alpha.

    Kernels without negative lobes give translucent edges as if they were composited before resampling. Others overshoot
    at hard edges, which alpha cannot represent.

    Args:
        image: of mode L, LA, RGB, RGBA, CMYK, I;16, I or F, or a DeepImage.
        size: width and height of the result.
        box: the part; it may cut through pixels.
        resample: the kernel.
        rows_first: resample along rows before columns. Pixels are rounded and clipped between the passes, so the order
            matters.
    """
    if resample is Resample.NEAREST:
        return _by_pillow(image, size, box, resample)
    if isinstance(image, DeepImage):
        # Few pictures have 16 bits per channel.
        from forkresize.image.resample.deep import resample_deep

        resize = partial(_resample, size=size, box=box, resample=resample, rows_first=rows_first)
        return resample_deep(image, resize) if image.mode in DEEP_ALPHA else image.map_planes(resize)
    return _resample(image, size, box, resample, rows_first=rows_first)


def _resample(image: Image.Image, size: Dimensions, box: Box, resample: Resample, *, rows_first: bool) -> Image.Image:
    image, box = _first_pass(_premultiply(image), size, box, resample, rows_first=rows_first)
    return _unpremultiply(_convolve(image, size, box, resample))


def _first_pass(
    image: Image.Image, size: Dimensions, box: Box, resample: Resample, *, rows_first: bool
) -> tuple[Image.Image, Box]:
    """Return what the second pass needs, resampled along one axis, and the position of the part in it."""
    left, top, width, height = box
    if rows_first:
        start, length = _input_range(top, height, size[1], image.height)
        along = _convolve(image, (size[0], length), (left, start, width, length), resample)
        return along, (0, top - start, size[0], height)
    start, length = _input_range(left, width, size[0], image.width)
    down = _convolve(image, (length, size[1]), (start, top, length, height), resample)
    return down, (left - start, 0, width, size[1])


def _input_range(start: float, length: float, target: int, side: int) -> tuple[int, int]:
    """Return the first row or column that a part depends on, and their number."""
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


def _convolve(image: Image.Image, size: Dimensions, box: Box, resample: Resample) -> Image.Image:
    if not _uses_simd(image.mode, resample):
        return _by_pillow(image, size, box, resample)
    module: Any = simd()
    options = _options(box, resample)
    if image.mode in _IN_PLACE:
        # Not filled with a color: all of it is written.
        target = Image.new(image.mode, size, None)
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
