"""What each rendition of a picture comes to, before a pixel is touched. Decodes nothing."""

from collections.abc import Iterable
from functools import lru_cache

from msgspec.structs import replace

from forkresize.image.analyze.smartcrop import find_focus, thumbnail
from forkresize.image.decode.identify import output_format
from forkresize.image.errors import PictureError
from forkresize.image.geometry.layout import Layout, layout
from forkresize.image.geometry.region import Dimensions
from forkresize.image.picture import Picture
from forkresize.image.pipeline import is_scalable, predict_view
from forkresize.image.source_image import SourceImage
from forkresize.image.steps.orient import orient
from forkresize.image.steps.resize import crop_to_view
from forkresize.recipe import Fit, Gravity, Recipe, Rendition, Resample, Resize, Size

_OVERSAMPLING = 2.5
"""How many decoded pixels the kernel gets per output pixel along each axis; with fewer the difference shows."""

_REDUCTIONS = 8, 4, 2

_CACHED = 1024
"""Sizes whose reduction is kept; the pictures of a folder have few sizes."""

_CONTENT_AWARE = frozenset({Gravity.ENTROPY, Gravity.ATTENTION})


def plan(picture: Picture, recipe: Recipe, rendition: Rendition) -> Layout:
    """Return how large a picture becomes, and which part of it is shown; a gravity that looks at it has its say.

    Args:
        picture: prepared, but neither resized nor upright.
        recipe: how it is resized.
        rendition: how large it becomes.
    """
    how = recipe.resize
    blind = layout(picture.view.visible_size, rendition.size, how)
    if (rendition.size.fit or how.fit) is not Fit.COVER or how.gravity not in _CONTENT_AWARE or how.focus is not None:
        return blind
    small = replace(picture, image=thumbnail(crop_to_view(picture).image))
    return layout(
        picture.view.visible_size, rendition.size, how, find_focus(orient(small).image, how.gravity, blind.share)
    )


def static_size(original: SourceImage, recipe: Recipe) -> Dimensions | None:
    """Return the size that is resized, in pixels; None if it takes a look at the pixels to know.

    Raises:
        PictureError: a step can't be done to a picture of this size.
    """
    return (
        predict_view(original.view, recipe).visible_size if all(map(is_scalable, recipe.steps_before_resize)) else None
    )


def choose_shrink(original: SourceImage, recipe: Recipe, renditions: Iterable[Rendition]) -> int:
    """Return by how much a picture may be reduced while decoding: 8, 4, 2 or 1.

    ``nearest`` promises pixels of the source, and light adds up only before a decoder has averaged it, so they get them
    all; and so do steps that look at pixels.
    """
    how, shown = recipe.resize, static_size(original, recipe)
    if not original.supports_shrink_on_load or how.linear or how.resample is Resample.NEAREST or shown is None:
        return 1
    return min((_shrink_for(shown, rendition.size, how) for rendition in renditions), default=1)


@lru_cache(maxsize=_CACHED)
def _shrink_for(shown: Dimensions, size: Size, how: Resize) -> int:
    """Return by how much a picture may be reduced if this is all that is made of it."""
    plan = layout(shown, size, how)
    least = min(plan.area.width / plan.scaled[0], plan.area.height / plan.scaled[1])
    return next((by for by in _REDUCTIONS if least >= by * _OVERSAMPLING), 1)


def duplicate_renditions(shown: Dimensions, recipe: Recipe, source_format: str | None) -> frozenset[int]:
    """Return the numbers of the renditions that come to the same as one that is asked for smaller.

    Args:
        shown: the size that is resized, in pixels.
        recipe: the renditions.
        source_format: in Pillow's own name.
    """
    numbers = sorted(range(len(recipe.renditions)), key=lambda number: _asked(shown, recipe, number))
    met: list[tuple[Layout, str, Rendition]] = []
    found = []
    for number in numbers:
        rendition = recipe.renditions[number]
        try:
            output = output_format(source_format, rendition)
        except PictureError:
            continue  # It fails on its own account.
        made = layout(shown, rendition.size, recipe.resize), output, replace(rendition, size=Size(), format=None)
        if made in met:
            found.append(number)
        met.append(made)
    return frozenset(found)


def _asked(shown: Dimensions, recipe: Recipe, number: int) -> int:
    """Return how many pixels a rendition would have if the picture were large enough."""
    size = replace(recipe.renditions[number].size, enlarge=True)
    width, height = layout(shown, size, recipe.resize).canvas
    return width * height
