"""Removes alpha channels that the output can't hold, or that are opaque."""

from msgspec.structs import replace
from PIL import Image

from forkresize.image.color.alpha import OPAQUE, has_alpha
from forkresize.image.deep_image import DEEP_ALPHA, MAX_LEVEL, DeepImage
from forkresize.image.picture import Picture
from forkresize.recipe import RGBA


def flatten(picture: Picture, background: RGBA, held: frozenset[str]) -> Picture:
    """Drop an alpha channel that is opaque throughout; put the background behind one that the output can't hold.

    Args:
        picture: upright, in any mode.
        background: its alpha does not count.
        held: the modes that the output can hold.
    """
    image = picture.image
    if isinstance(image, DeepImage):
        return replace(picture, image=_without_opaque_alpha(image))
    if not has_alpha(image):
        return picture
    if image.getchannel("A").getextrema() == (OPAQUE, OPAQUE):
        return replace(picture, image=image.convert("L" if image.mode == "LA" else "RGB"))
    if "RGBA" in held:
        return picture
    picture.diagnostics.warn("transparency was replaced by the background: the format has none")
    return replace(picture, image=_composite(image, background))


def _without_opaque_alpha(image: DeepImage) -> Image.Image:
    """Return an image of 16 bits per channel without alpha if that is opaque: formats that hold one mode hold all."""
    *colors, alpha = image.planes
    if image.mode not in DEEP_ALPHA or alpha.getextrema() != (MAX_LEVEL, MAX_LEVEL):
        return image
    return DeepImage(colors) if len(colors) > 1 else colors[0]


def _composite(image: Image.Image, background: RGBA) -> Image.Image:
    """Return gray on gray as mode L, and all else as RGB."""
    behind = Image.new("RGBA", image.size, (*background[:3], OPAQUE))
    red, green, blue, _alpha = background
    is_gray = image.mode == "LA" and red == green == blue
    return Image.alpha_composite(behind, image.convert("RGBA")).convert("L" if is_gray else "RGB")
