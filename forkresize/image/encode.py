"""From pixels to the bytes of a file. Writes nothing and changes no color it need not."""

import io
import warnings
from typing import Any

from PIL.ExifTags import Base
from PIL.Image import Dither, Exif, Image
from PIL.ImageFile import ImageFile

from forkresize.image.formats import WRITERS
from forkresize.image.picture import Picture, PictureError
from forkresize.outcome import Reason
from forkresize.recipe import Recipe

_FULL_CHROMA_QUALITY = 90
"""From this JPEG quality on, colors are kept at full resolution."""

_OPTIONS: dict[str, dict[str, Any]] = {
    "jpeg": {"optimize": True},
    "png": {"compress_level": 6},
    "webp": {"method": 4},
    "avif": {"speed": 6, "max_threads": 1},
    "tiff": {"compression": "tiff_deflate"},
}

_JPEG_SEGMENT = 65_533
"""Bytes that a segment of a JPEG holds."""

_GIF_COLORS = 256
_MOSTLY_OPAQUE = 128


def encode(picture: Picture, recipe: Recipe) -> memoryview:
    """Return the output's bytes.

    Raises:
        PictureError: the format can't hold a picture of this size, or its encoder gave up.
    """
    _check_sides(picture)
    image = _in_held_mode(picture.image, WRITERS[picture.output].modes)
    # Pillow would write what it finds in the source: comments, a profile, a transparent color, a TIFF's tags.
    image = image.copy() if isinstance(image, ImageFile) else image
    image.info.clear()
    if picture.output == "gif":
        image = _quantized(image)
    options = _options(picture, recipe)
    try:
        return _saved(image, picture.output, options)
    except MemoryError:
        raise
    except Exception as error:
        raise PictureError(Reason.UNSUPPORTED, f"can't be encoded as {picture.output}: {error}") from error


def _check_sides(picture: Picture) -> None:
    most, longest = WRITERS[picture.output].max_side, max(picture.image.size)
    if longest > most:
        raise PictureError(Reason.UNSUPPORTED, f"{picture.output} holds sides of {most} pixels at most, not {longest}")


def _in_held_mode(image: Image, held: frozenset[str]) -> Image:
    roomier = {"L": "RGB", "LA": "RGBA", "RGB": "RGBA"}
    while image.mode not in held:
        image = image.convert(roomier[image.mode])
    return image


def _options(picture: Picture, recipe: Recipe) -> dict[str, Any]:
    options = dict(_OPTIONS.get(picture.output, {}))
    quality = recipe.quality_for(picture.output)
    if quality is not None:
        options["quality"] = quality
        if picture.output == "jpeg":
            options["subsampling"] = "4:4:4" if quality >= _FULL_CHROMA_QUALITY else "4:2:0"
    if WRITERS[picture.output].metadata:
        options |= _metadata(picture)
    if picture.output == "ico":
        options["sizes"] = [picture.image.size]
    return options


def _metadata(picture: Picture) -> dict[str, Any]:
    options: dict[str, Any] = {"icc_profile": picture.profile} if picture.profile else {}
    if picture.output == "jpeg" and len(picture.exif) > _JPEG_SEGMENT:
        warnings.warn(f"{len(picture.exif)} bytes of EXIF are more than a JPEG holds, so none was kept", stacklevel=1)
    elif picture.exif:
        options["exif"] = picture.exif
        if picture.output == "tiff" and _has_camera_settings(picture.exif):
            # What compresses is libtiff, and that can't write EXIF's inner directory.
            options["compression"] = "raw"
    return options


def _has_camera_settings(block: bytes) -> bool:
    exif = Exif()
    exif.load(block)
    return Base.ExifOffset in exif


def _saved(image: Image, output: str, options: dict[str, Any]) -> memoryview:
    file = io.BytesIO()
    try:
        image.save(file, format=output.upper(), **options)
    except OSError:
        if not options.get("optimize"):
            raise
        # Optimizing needs all of the output in a buffer, whose size Pillow guesses; noise does not fit.
        return _saved(image, output, {**options, "optimize": False})
    return file.getbuffer()


def _quantized(image: Image) -> Image:
    """Return the image with a palette of its own, dithered; what is mostly transparent becomes wholly so."""
    if image.mode != "RGBA":
        return image if image.mode == "L" else _dithered(image, _GIF_COLORS)
    hidden = image.getchannel("A").point(lambda alpha: 255 * (alpha < _MOSTLY_OPAQUE))
    indexed = _dithered(image.convert("RGB"), _GIF_COLORS - 1)
    indexed.paste(_GIF_COLORS - 1, mask=hidden)
    indexed.info["transparency"] = _GIF_COLORS - 1
    return indexed


def _dithered(image: Image, colors: int) -> Image:
    return image.quantize(palette=image.quantize(colors), dither=Dither.FLOYDSTEINBERG)
