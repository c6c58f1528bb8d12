"""Removes alpha channels that the output can't hold, or that are opaque."""

from msgspec.structs import replace
from PIL import Image

from forkresize.image.color.alpha import OPAQUE, has_alpha
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
    if not has_alpha(image):
        return picture
    if image.getchannel("A").getextrema() == (OPAQUE, OPAQUE):
        return replace(picture, image=image.convert("L" if image.mode == "LA" else "RGB"))
    if "RGBA" in held:
        return picture
    return replace(picture, image=_composite(image, background))


def _composite(image: Image.Image, background: RGBA) -> Image.Image:
    """Return gray on gray as mode L, and all else as RGB."""
    behind = Image.new("RGBA", image.size, (*background[:3], OPAQUE))
    red, green, blue, _alpha = background
    is_gray = image.mode == "LA" and red == green == blue
    return Image.alpha_composite(behind, image.convert("RGBA")).convert("L" if is_gray else "RGB")
