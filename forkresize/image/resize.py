"""Brings the part of the picture that is shown to its size in the output. Knows no fit and no kernel."""

from dataclasses import replace

from PIL.Image import Image

from forkresize.image import kernel
from forkresize.image.geometry import Size, is_sideways, stored_area
from forkresize.image.orient import orient
from forkresize.image.picture import Picture
from forkresize.recipe import Recipe


def resize(picture: Picture, recipe: Recipe) -> Picture:
    """Resample, or crop where the scale is 1; a picture stored sideways mostly stays so, being cheaper to turn later.

    The eight orientations of one picture come out alike to the bit: a kernel that is regular changes the order of its
    passes for those stored sideways, and for one that is not the picture is turned upright first.
    """
    if not kernel.is_regular(picture.image.mode, recipe.resample):
        picture = orient(picture, recipe)
    sideways = is_sideways(picture.orientation)
    width, height = picture.layout.scaled
    size = (height, width) if sideways else (width, height)
    box = _box(picture)
    if picture.layout.is_unscaled:
        return replace(picture, image=_cropped(picture.image, size, box))
    return replace(picture, image=kernel.resampled(picture.image, size, box, recipe.resample, rows_first=sideways))


def _box(picture: Picture) -> kernel.Box:
    """Return where the part that is shown lies in the pixels there are."""
    area = stored_area(picture.layout.area, picture.layout.source, picture.orientation)
    by = picture.reduction
    return float(area.left / by), float(area.top / by), float(area.width / by), float(area.height / by)


def _cropped(image: Image, size: Size, box: kernel.Box) -> Image:
    if image.size == size:
        return image
    left, top = int(box[0]), int(box[1])
    return image.crop((left, top, left + size[0], top + size[1]))
