"""Resizes the visible part of a picture as planned."""

from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace
from PIL.Image import Image

from forkresize.image.geometry.layout import Layout
from forkresize.image.geometry.region import Dimensions, Region, is_sideways
from forkresize.image.picture import Picture, View
from forkresize.image.resample import kernel
from forkresize.image.steps.operation import Operation
from forkresize.image.steps.orient import orient
from forkresize.recipe import Resample, Resize

_CASCADE = 4
"""Minimum factor along each axis between a rendition and the one it is made from; below, the difference is visible."""


class CascadeSource(Struct, frozen=True):
    """A larger rendition of the same picture that smaller ones can be made from.

    Attributes:
        area: the part of the picture that it shows.
        picture: its pixels, upright.
    """

    area: Region
    picture: Picture

    def usable_for(self, plan: Layout, step: Resize) -> bool:
        """Whether a rendition made from it is as good as one made from the source."""
        if self.area != plan.area:
            return False
        sides = list(zip(self.picture.image.size, plan.scaled, strict=True))
        if all(have == want for have, want in sides):
            return True
        return step.resample is not Resample.NEAREST and all(have >= _CASCADE * want for have, want in sides)


def resize_from(cascade: Sequence[CascadeSource], picture: Picture, plan: Layout, step: Resize) -> Picture:
    """Resize the smallest usable of the renditions made so far, the largest first, or else the picture itself."""
    best = next((each for each in reversed(cascade) if each.usable_for(plan, step)), None)
    if best is None:
        return resize(picture, plan, step)
    return resize(best.picture, replace(plan, area=Region.whole(best.picture.image.size)), step)


def resize(picture: Picture, plan: Layout, step: Resize) -> Picture:
    """Resample, or only crop if the scale is 1, and turn upright.

    The eight orientations of a picture give the same pixels to the bit: if the kernel is mirror-exact, it swaps its
    passes for pictures that are stored sideways; otherwise the picture is turned upright first.

    Args:
        picture: in a mode that can be resampled.
        plan: the size of the result, and the part to resize.
        step: the kernel.
    """
    if step.linear or not kernel.is_mirror_exact(picture.image.mode, step.resample):
        picture = orient(picture)
    sideways = is_sideways(picture.view.orientation)
    width, height = plan.scaled
    size = (height, width) if sideways else (width, height)
    box = picture.box(plan.area)
    if plan.is_unscaled and picture.shrink == 1:
        image = _crop_box(picture.image, size, box)
    else:
        image = _resampler(step)(picture.image, size, box, step.resample, rows_first=not sideways)
    view = View.whole(plan.scaled, picture.view.orientation)
    return orient(replace(picture, image=image, view=view, shrink=1))


def _resampler(step: Resize) -> Callable[..., Image]:
    if not step.linear:
        return kernel.resample
    # Few recipes resize in linear light.
    from forkresize.image.resample.linear import resample_linear

    return resample_linear


def materialize(picture: Picture) -> Picture:
    """Return the picture with upright and cropped pixels, at their present scale, for steps that need the pixels."""
    return orient(crop_to_view(picture))


def crop_to_view(picture: Picture) -> Picture:
    """Return the picture with its visible pixels alone, at their present scale and orientation."""
    if picture.view.visible_size == picture.view.size:
        return picture
    left, top, width, height = picture.box(Region.whole(picture.view.visible_size))
    image = picture.image.crop((round(left), round(top), round(left + width), round(top + height)))
    view = View.whole(picture.view.visible_size, picture.view.orientation)
    return replace(picture, image=image, view=view)


def _crop_box(image: Image, size: Dimensions, box: kernel.Box) -> Image:
    if image.size == size:
        return image
    left, top = int(box[0]), int(box[1])
    return image.crop((left, top, left + size[0], top + size[1]))


OPERATION = Operation()
"""It is planned for each rendition, and done by ``resize_from``."""
