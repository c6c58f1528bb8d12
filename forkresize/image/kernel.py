"""Resampling: SIMD where there is a wheel of it that knows the pixels, Pillow elsewhere. Knows no fit."""

from functools import cache
from types import ModuleType
from typing import Any

from PIL import Image

from forkresize.image.geometry import Size
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

# Pillow's bicubic has a = -0.5, which makes it Catmull and Rom's.
_SIMD = {
    Resample.LANCZOS: "lanczos3",
    Resample.BICUBIC: "catmull_rom",
    Resample.BILINEAR: "bilinear",
    Resample.BOX: "box",
}

_IN_PLACE = frozenset({"L", "RGB", "RGBa", "CMYK", "F"})
"""Modes whose pixels are read where Pillow keeps them."""

_COPIED = {"La": "U8x2", "I;16": "U16"}
"""Modes whose pixels are read from a copy, and what they are called there."""

_PREMULTIPLIED = frozenset({"RGBA", "LA"})
"""Modes whose colors count as much as they are opaque, or else what is hidden would bleed into the edges."""


@cache
def simd() -> ModuleType | None:
    """Return the module with the SIMD kernels, loaded on the first call; None where there is none."""
    try:
        import cykooz_resizer
    except ImportError:
        return None
    return cykooz_resizer  # type: ignore[no-any-return]


def is_regular(mode: str, resample: Resample) -> bool:
    """Whether mirrored input gives mirrored output to the bit, and the order of the two passes can be chosen.

    Box jumps where a pixel is just in or just out, and deeper pixels show the last bit of every weight.
    """
    return _uses_simd(mode, resample) and resample is not Resample.BOX and mode not in {"I;16", "F"}


def resampled(image: Image.Image, size: Size, box: Box, resample: Resample, *, rows_first: bool = False) -> Image.Image:
    """Return a part of an image at another size.

    Args:
        image: an image of mode L, LA, RGB, RGBA, CMYK, I;16, I or F.
        size: the width and height wanted.
        box: the part; need not lie on pixel borders.
        resample: the kernel.
        rows_first: go along the rows before going down the columns, instead of the other way round. Halves are rounded
            in between, so the order shows. Has an effect where ``is_regular``.
    """
    if not _uses_simd(image.mode, resample):
        left, top, width, height = box
        return image.resize(size, _PILLOW[resample], (left, top, left + width, top + height))
    image = _premultiplied(image)
    if rows_first:
        left, top, width, height = box
        image = _convolved(image, (size[0], image.height), (left, 0, width, image.height), resample)
        box = 0, top, size[0], height
    return _divided(_convolved(image, size, box, resample))


def _uses_simd(mode: str, resample: Resample) -> bool:
    known = mode in _IN_PLACE or mode in _COPIED or mode in _PREMULTIPLIED
    return known and resample in _SIMD and simd() is not None


def _premultiplied(image: Image.Image) -> Image.Image:
    if image.mode == "RGBA":
        module: Any = simd()
        return module.AlphaMulDiv().multiply_alpha_pil(image)  # type: ignore[no-any-return]
    return image.convert("La") if image.mode == "LA" else image


def _divided(image: Image.Image) -> Image.Image:
    if image.mode == "RGBa":
        module: Any = simd()
        return module.AlphaMulDiv().divide_alpha_pil(image)  # type: ignore[no-any-return]
    return image.convert("LA") if image.mode == "La" else image


def _convolved(image: Image.Image, size: Size, box: Box, resample: Resample) -> Image.Image:
    module: Any = simd()
    options = module.ResizeOptions(
        resize_alg=module.ResizeAlg.convolution(module.FilterType[_SIMD[resample]]),
        use_alpha=False,
        crop_box=module.CropBox(*box),
    )
    if image.mode in _IN_PLACE:
        target = Image.new(image.mode, size)
        module.Resizer().resize_pil(image, target, options)
        return target
    kind = module.PixelType[_COPIED[image.mode]]
    copy = module.ImageData(*size, kind)
    module.Resizer().resize(module.ImageData(*image.size, kind, image.tobytes()), copy, options)
    return Image.frombytes(image.mode, size, copy.get_buffer())
