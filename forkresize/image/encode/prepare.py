"""Converts frames to modes that a format holds. Reduces no colors."""

from msgspec.structs import replace
from PIL.Image import Image
from PIL.ImageFile import ImageFile

from forkresize.formats import OUTPUT_FORMATS
from forkresize.image.color.alpha import PREMULTIPLIED
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.errors import PictureError
from forkresize.image.picture import Frames
from forkresize.image.steps.modes import round_to_8_bit
from forkresize.outcome import Reason
from forkresize.recipe import Rendition

_ROOMIER = {"L": "RGB", "LA": "RGBA", "RGB": "RGBA"}

_HAVE_COLORS = frozenset({"RGB", "RGBA"})


def prepare(frames: Frames, output: str, rendition: Rendition) -> Frames:
    """Return the frames in modes that the format holds, all frames of an animation in one mode, without metadata.

    Raises:
        PictureError: a side is too long for the format.
    """
    spec, images = OUTPUT_FORMATS[output], frames.images
    assert len(images) == 1 or spec.animated or spec.paged, output  # noqa: S101 -- the caller has to choose one.
    _check_sides(images, output, spec.max_side)
    if (spec.animated and len(images) > 1) or (rendition.palette and "palette" in spec.applies):
        images = tuple(_to_8_bit(image, frames.diagnostics) for image in images)
    if spec.animated:
        images = _in_one_mode(images)
    return replace(frames, images=tuple(_pixels_only(_in_held_mode(image, spec.modes)) for image in images))


def _check_sides(images: tuple[Image, ...], output: str, most: int) -> None:
    longest = max(max(image.size) for image in images)
    if longest > most:
        raise PictureError(Reason.UNSUPPORTED, f"{output} holds sides of at most {most} pixels, not {longest}")


def _to_8_bit(image: Image, diagnostics: Diagnostics) -> Image:
    # Pillow compares the frames of an animation by their upper 8 bits, and drops one whose upper bits did not change.
    reduced = round_to_8_bit(image)
    if reduced is not image:
        diagnostics.warn("reduced from 16 to 8 bits per channel, for an animation or a palette")
    return reduced


def _in_one_mode(images: tuple[Image, ...]) -> tuple[Image, ...]:
    modes = {image.mode for image in images}
    if len(modes) == 1:
        return images
    mode = ("RGB" if modes & _HAVE_COLORS else "L") + ("A" if modes & PREMULTIPLIED.keys() else "")
    return tuple(image.convert(mode) for image in images)


def _in_held_mode(image: Image, held: frozenset[str]) -> Image:
    while image.mode not in held:
        image = image.convert(_ROOMIER[image.mode])
    return image


def _pixels_only(image: Image) -> Image:
    """Return the image without what the source brought.

    Pillow would write it: comments, a profile, a transparent color, a TIFF's tags.
    """
    if image.info or isinstance(image, ImageFile):
        image = image.copy()
        image.info.clear()
    return image
