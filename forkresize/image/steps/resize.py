"""Brings the part of the picture that is shown to its size in the output. Knows no fit and no kernel."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace
from PIL.Image import Image

from forkresize.image.geometry.layout import Layout
from forkresize.image.geometry.region import Dimensions, Region, is_sideways
from forkresize.image.picture import Picture, View
from forkresize.image.resample import kernel
from forkresize.image.resample.linear import resample_linear
from forkresize.image.steps.operation import Operation
from forkresize.image.steps.orient import orient
from forkresize.recipe import Resample, Resize

_CASCADE = 4
"""How many pixels of a larger rendition make one of a smaller along each axis; with fewer the difference shows."""


class CascadeSource(Struct, frozen=True):
    """A larger rendition of the same picture, to make a smaller one of.

    Attributes:
        area: the part of the picture that it shows.
        picture: its pixels, upright.
    """

    area: Region
    picture: Picture

    def serves(self, plan: Layout, step: Resize) -> bool:
        """Whether a rendition can be made of it as well as of the source."""
        if self.area != plan.area:
            return False
        sides = list(zip(self.picture.image.size, plan.scaled, strict=True))
        if all(have == want for have, want in sides):
            return True
        return step.resample is not Resample.NEAREST and all(have >= _CASCADE * want for have, want in sides)


def resize_from(larger: Sequence[CascadeSource], picture: Picture, plan: Layout, step: Resize) -> Picture:
    """Resize a picture, by way of the smallest of its larger renditions that serves.

    Args:
        larger: what was made of it already, the largest first.
        picture: see resize.
        plan: see resize.
        step: see resize.
    """
    best = next((each for each in reversed(larger) if each.serves(plan, step)), None)
    if best is None:
        return resize(picture, plan, step)
    return resize(best.picture, replace(plan, area=Region.whole(best.picture.image.size)), step)


def resize(picture: Picture, plan: Layout, step: Resize) -> Picture:
    """Resample, or cut out where the scale is 1, and turn upright.

    The eight orientations of one picture come out alike to the bit: a kernel that is regular changes the order of its
    passes for those stored sideways, and for one that is not the picture is turned upright first.

    Args:
        picture: in one of the modes that can be resampled.
        plan: how large it becomes, and which part of what is shown.
        step: which kernel.
    """
    if step.linear or not kernel.is_mirror_exact(picture.image.mode, step.resample):
        picture = orient(picture)
    sideways = is_sideways(picture.view.orientation)
    width, height = plan.scaled
    size = (height, width) if sideways else (width, height)
    box = picture.box(plan.area)
    if plan.is_unscaled and picture.shrink == 1:
        image = _part(picture.image, size, box)
    else:
        resampled = resample_linear if step.linear else kernel.resample
        image = resampled(picture.image, size, box, step.resample, rows_first=not sideways)
    view = View.whole(plan.scaled, picture.view.orientation)
    return orient(replace(picture, image=image, view=view, shrink=1))


def materialize(picture: Picture) -> Picture:
    """Return the picture with its pixels upright and cut out, at the scale they have, for steps that look at them."""
    return orient(crop_to_view(picture))


def crop_to_view(picture: Picture) -> Picture:
    """Return the picture with no more pixels than are shown, at the scale and the orientation they have."""
    if picture.view.visible_size == picture.view.size:
        return picture
    left, top, width, height = picture.box(Region.whole(picture.view.visible_size))
    image = picture.image.crop((round(left), round(top), round(left + width), round(top + height)))
    view = View.whole(picture.view.visible_size, picture.view.orientation)
    return replace(picture, image=image, view=view)


def _part(image: Image, size: Dimensions, box: kernel.Box) -> Image:
    if image.size == size:
        return image
    left, top = int(box[0]), int(box[1])
    return image.crop((left, top, left + size[0], top + size[1]))


OPERATION = Operation()
"""It is planned for each rendition, and done by ``resize_from``."""
