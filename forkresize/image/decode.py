"""From a file to pixels: tells formats by content, refuses bombs, shrinks while decoding. Knows no step."""

import errno
import io
import os
import re
import warnings
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from PIL import Image, UnidentifiedImageError

from forkresize import storage
from forkresize.image import metadata
from forkresize.image.formats import PLUGINS, SIGNATURE, SIGNATURE_LENGTH, SIGNED, SUFFIXES, UNREADABLE, UNSIGNED
from forkresize.image.geometry import Layout, is_sideways, layout
from forkresize.image.picture import Picture, PictureError, check_pixels, output_format, too_large
from forkresize.outcome import Reason
from forkresize.recipe import Recipe, Resample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.ImageFile import ImageFile

_BUFFER = 1 << 16
"""Bytes read at once; Pillow's decoders ask for as much."""

_DRAFTED = frozenset({"JPEG", "MPO"})
"""The formats that can be decoded at a smaller scale; of these the size, and which way is up, are known beforehand."""

_NEW_SUBFILE_TYPE = 254

_GRAY_LEVELS = {"L;2": 85, "L;4": 17}
"""What Pillow multiplies the values of PNG's shallow grays with, by what it calls them."""

_OVERSAMPLING = 2
"""How many decoded pixels the kernel gets per output pixel along each axis; with fewer the difference shows."""


@cache
def load_plugins() -> None:
    """Load every decoder and encoder that may be used, and tell Pillow what only globals can tell it."""
    from PIL import AvifImagePlugin

    for plugin in PLUGINS:
        import_module(f"PIL.{plugin}ImagePlugin")
    # The pictures are spread over the CPUs already.
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1


def decode(path: str, recipe: Recipe) -> Picture:
    """Read a picture's first frame.

    Raises:
        PictureError: it can't be read, is no picture, is damaged, has too many pixels, or is of a format that can't be
            written although the recipe asks for the source's own.
    """
    load_plugins()
    with _readable(path) as file, _faults_told(path, recipe), _limit_set(recipe.max_pixels):
        image = _identified(file, path)
        output = output_format(image.format, recipe)
        check_pixels(image.size, recipe.max_pixels, "the picture has")
        _refuse_thumbnail(image)
        _tell_of_frames(image)
        _tell_of_depth(image)
        plan, reduction = _load(image, recipe)
        return Picture(
            image=image,
            orientation=metadata.orientation(image),
            format=str(image.format).lower(),
            output=output,
            layout=plan,
            reduction=reduction,
            profile=image.info.get("icc_profile"),
            exif=metadata.safe_exif(image),
        )


def _opened(path: str) -> io.BufferedReader:
    return io.BufferedReader(storage.open_source(path), _BUFFER)


def _readable(path: str) -> io.BufferedReader:
    try:
        return _opened(path)
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: str, error: OSError) -> PictureError:
    return PictureError(Reason.UNREADABLE, f"{path}: {error.strerror or error}")


@contextmanager
def _faults_told(path: str, recipe: Recipe) -> "Iterator[None]":
    """Turn whatever Pillow raises into a PictureError."""
    try:
        yield
    except (PictureError, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise too_large(_pixels_told(error), recipe.max_pixels, "the picture has") from error
    except Exception as error:
        if isinstance(error, OSError) and _is_of_the_system(error):
            raise _unreadable(path, error) from error
        reason = Reason.OUT_OF_MEMORY if "out of memory" in str(error) else Reason.DAMAGED
        raise PictureError(reason, str(error) or type(error).__name__) from error


@contextmanager
def _limit_set(most_pixels: int) -> "Iterator[None]":
    """Have Pillow check as well: there are formats whose true size shows only later, or that take memory early."""
    before = Image.MAX_IMAGE_PIXELS
    # It allows twice what it is told.
    Image.MAX_IMAGE_PIXELS = -(-most_pixels // 2)
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _identified(file: io.BufferedReader, path: str) -> "ImageFile":
    by_suffix = SUFFIXES.get(os.path.splitext(path)[1].lower())
    formats = (*SIGNED, by_suffix) if by_suffix in UNSIGNED else SIGNED
    try:
        return Image.open(file, formats=formats)
    except (MemoryError, Image.DecompressionBombError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and _is_of_the_system(error):
            raise
        raise _unidentified(file, by_suffix, error) from error


def _unidentified(file: io.BufferedReader, by_suffix: str | None, error: Exception) -> PictureError:
    file.seek(0)
    head = file.read(SIGNATURE_LENGTH)
    if SIGNATURE.match(head):
        told = "the header can't be read" if isinstance(error, UnidentifiedImageError) else f"{error}"
        return PictureError(Reason.DAMAGED, told)
    for name, beginning in UNREADABLE.items():
        if beginning.match(head):
            return PictureError(Reason.UNSUPPORTED, f"{name} is not read")
    if head:
        return PictureError(Reason.NOT_A_PICTURE, "")
    return PictureError(Reason.DAMAGED if by_suffix else Reason.NOT_A_PICTURE, "the file is empty")


def _is_of_the_system(error: OSError) -> bool:
    # Pillow's own have no number, and following a damaged offset gives EINVAL.
    return error.errno not in {None, errno.EINVAL}


def _pixels_told(error: Image.DecompressionBombError) -> int:
    return int(re.findall(r"\d+", str(error))[0])


def _refuse_thumbnail(image: "ImageFile") -> None:
    # TIFF 6.0, tag NewSubfileType, bit 0: a reduced version of another image in the file. Cameras' raw files are such.
    if image.format == "TIFF" and getattr(image, "tag_v2", {}).get(_NEW_SUBFILE_TYPE, 0) & 1:
        raise PictureError(Reason.UNSUPPORTED, "its first image is a thumbnail, as in a camera's raw file")


def _tell_of_frames(image: "ImageFile") -> None:
    # The first frame of a PSD is the whole picture, and the others are its layers.
    frames = 1 if image.format == "PSD" else getattr(image, "n_frames", 1)
    if frames > 1:
        warnings.warn(f"only the first of {frames} frames was kept", stacklevel=1)


def _tell_of_depth(image: "ImageFile") -> None:
    # Pillow has no mode for deep colors, and names the decoder's own in what it is told of each tile.
    deep = any(";16" in str(tile.args) for tile in image.tile)
    if deep and image.mode in {"RGB", "RGBA", "LA", "CMYK"}:
        warnings.warn("16 bits a channel became 8", stacklevel=1)


def _load(image: "ImageFile", recipe: Recipe) -> tuple[Layout, int]:
    """Decode; return what becomes of the source, and by how much it was reduced on the way."""
    _scale_transparent_color(image)
    if image.format not in _DRAFTED:
        # Only now is the true size known, and which way is up.
        image.load()
        check_pixels(image.size, recipe.max_pixels, "the picture has")
    width, height = image.size
    plan = layout((height, width) if is_sideways(metadata.orientation(image)) else (width, height), recipe)
    check_pixels(plan.canvas, recipe.max_pixels, "the output would have")
    reduction = _reduction(image, plan, recipe)
    if reduction > 1:
        image.draft(None, (width // reduction, height // reduction))
    image.load()
    return plan, reduction


def _scale_transparent_color(image: "ImageFile") -> None:
    """Bring the color that a PNG declares transparent to the 8 bits that its pixels are scaled to."""
    told = image.info.get("transparency")
    depth = str(image.tile[0].args) if image.tile else ""
    if isinstance(told, int) and depth in _GRAY_LEVELS:
        image.info["transparency"] = told * _GRAY_LEVELS[depth]
    elif isinstance(told, tuple) and depth == "RGB;16B":
        image.info["transparency"] = tuple(value >> 8 for value in told)


def _reduction(image: "ImageFile", plan: Layout, recipe: Recipe) -> int:
    """Return by how much a JPEG may be reduced while decoding: 8, 4, 2 or 1.

    ``nearest`` promises pixels of the source, so it gets them all.
    """
    if image.format not in _DRAFTED or recipe.resample is Resample.NEAREST:
        return 1
    factor = min(plan.area.width / plan.scaled[0], plan.area.height / plan.scaled[1]) / _OVERSAMPLING
    return next((divisor for divisor in (8, 4, 2) if factor >= divisor), 1)
