"""Transparency that the output can't hold, or that is none. Paints nothing else."""

from msgspec.structs import replace
from PIL import Image

from forkresize.image.picture import Picture
from forkresize.recipe import RGBA

_OPAQUE = 255


def flatten(picture: Picture, background: RGBA, held: frozenset[str]) -> Picture:
    """Drop an alpha channel that is opaque throughout; put the background behind one that the output can't hold.

    Args:
        picture: upright, in any mode.
        background: its alpha does not count.
        held: the modes that the output can hold.
    """
    image = picture.image
    if image.mode not in {"LA", "RGBA"}:
        return picture
    if _is_opaque(image):
        return replace(picture, image=image.convert("L" if image.mode == "LA" else "RGB"))
    if "RGBA" in held:
        return picture
    return replace(picture, image=_laid_over(image, background))


def _laid_over(image: Image.Image, background: RGBA) -> Image.Image:
    """Return gray on gray as mode L, and all else as RGB."""
    behind = Image.new("RGBA", image.size, (*background[:3], _OPAQUE))
    red, green, blue, _alpha = background
    is_gray = image.mode == "LA" and red == green == blue
    return Image.alpha_composite(behind, image.convert("RGBA")).convert("L" if is_gray else "RGB")


def _is_opaque(image: Image.Image) -> bool:
    return image.getchannel("A").getextrema() == (_OPAQUE, _OPAQUE)
