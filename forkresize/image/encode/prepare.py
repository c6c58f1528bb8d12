"""Brings frames to what a format can hold before any encoding. Reduces no colors."""

from msgspec.structs import replace
from PIL.Image import Image
from PIL.ImageFile import ImageFile

from forkresize.image.diagnostics import Diagnostics
from forkresize.image.errors import PictureError
from forkresize.image.formats.registry import OUTPUT_FORMATS
from forkresize.image.frames import Frames
from forkresize.image.steps.modes import to_8_bit_gray
from forkresize.outcome import Reason
from forkresize.recipe import Format, Rendition

_ROOMIER = {"L": "RGB", "LA": "RGBA", "RGB": "RGBA"}

_HAVE_ALPHA = frozenset({"LA", "RGBA"})
_HAVE_COLORS = frozenset({"RGB", "RGBA"})


def prepare(frames: Frames, output: str, rendition: Rendition) -> Frames:
    """Return the frames in modes that the format holds, those of an animation all in one, and bare of all but pixels.

    Raises:
        PictureError: a side is too long for the format.
    """
    writer = OUTPUT_FORMATS[output]
    images = frames.images
    assert len(images) == 1 or writer.animated or writer.paged, output  # noqa: S101 -- whoever calls has to choose one.
    _check_sides(images, output)
    if output == Format.PNG and (len(images) > 1 or rendition.palette):
        images = tuple(_shallow(image, frames.diagnostics) for image in images)
    if writer.animated:
        images = _alike(images)
    return replace(frames, images=tuple(_bare(_in_held_mode(image, writer.modes)) for image in images))


def _check_sides(images: tuple[Image, ...], output: str) -> None:
    most, longest = OUTPUT_FORMATS[output].max_side, max(max(image.size) for image in images)
    if longest > most:
        raise PictureError(Reason.UNSUPPORTED, f"{output} holds sides of {most} pixels at most, not {longest}")


def _shallow(image: Image, diagnostics: Diagnostics) -> Image:
    # Pillow compares frames by their upper eight bits, and drops one whose upper bits are those of the last.
    if image.mode != "I;16":
        return image
    diagnostics.warn("16 bits a pixel became 8, for an animation or a palette")
    return to_8_bit_gray(image)


def _alike(images: tuple[Image, ...]) -> tuple[Image, ...]:
    modes = {image.mode for image in images}
    if len(modes) == 1:
        return images
    mode = ("RGB" if modes & _HAVE_COLORS else "L") + ("A" if modes & _HAVE_ALPHA else "")
    return tuple(image.convert(mode) for image in images)


def _in_held_mode(image: Image, held: frozenset[str]) -> Image:
    while image.mode not in held:
        image = image.convert(_ROOMIER[image.mode])
    return image


def _bare(image: Image) -> Image:
    """Return the pixels alone.

    Pillow would write what it finds in the source: comments, a profile, a transparent color, a TIFF's tags.
    """
    if image.info or isinstance(image, ImageFile):
        image = image.copy()
        image.info.clear()
    return image
