"""Transparency that the output can't hold, or that is none. Paints nothing else."""

from dataclasses import replace

from PIL import Image

from forkresize.image.formats import WRITERS
from forkresize.image.picture import Picture
from forkresize.recipe import Recipe

_OPAQUE = 255


def flatten(picture: Picture, recipe: Recipe) -> Picture:
    """Drop an alpha channel that is opaque throughout; put the background behind one that the output can't hold."""
    image = picture.image
    if image.mode not in {"LA", "RGBA"}:
        return picture
    if _is_opaque(image):
        return replace(picture, image=image.convert("L" if image.mode == "LA" else "RGB"))
    if "RGBA" in WRITERS[picture.output].modes:
        return picture
    behind = Image.new("RGBA", image.size, (*recipe.background[:3], _OPAQUE))
    return replace(picture, image=Image.alpha_composite(behind, image.convert("RGBA")).convert("RGB"))


def _is_opaque(image: Image.Image) -> bool:
    return image.getchannel("A").getextrema() == (_OPAQUE, _OPAQUE)
