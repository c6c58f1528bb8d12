"""What is known about each rendition of a picture before its pixels are processed."""

from collections.abc import Iterable
from functools import lru_cache
from math import ceil

from msgspec.structs import replace

from forkresize.image.decode.identify import output_format
from forkresize.image.errors import PictureError
from forkresize.image.geometry.layout import Layout, layout
from forkresize.image.geometry.region import Dimensions, stored_area
from forkresize.image.picture import Picture
from forkresize.image.pipeline import is_scalable, predict_view
from forkresize.image.source_image import SourceImage
from forkresize.image.steps.orient import orient
from forkresize.image.steps.registry import operation_of
from forkresize.image.steps.resize import crop_to_view
from forkresize.recipe import Fit, Gravity, OnTruncated, Recipe, Rendition, Resample, Resize, Size

_OVERSAMPLING = 2.5
"""Decoded pixels per output pixel along each axis. With fewer, the difference to full resolution is visible."""

_SHRINKS = 8, 4, 2

_KERNEL_REACH = 4
"""Pixels of an output, at its scale, that the widest kernel reaches over the edge of what it shows."""

_DECODER_REACH = 32
"""Rows of a JPEG that the decoder looks at below those that it returns, to interpolate colors."""

_CACHED = 1024
"""Shrink factors to cache: the pictures of a directory have few different sizes."""

_ENCODING_FIELDS = [name for name in Rendition.__struct_fields__ if name not in {"size", "format"}]

_CONTENT_AWARE = frozenset({Gravity.ENTROPY, Gravity.ATTENTION})


def plan(picture: Picture, recipe: Recipe, rendition: Rendition) -> Layout:
    """Return the layout of a rendition; a content-aware gravity looks at the pixels.

    Args:
        picture: prepared, but neither resized nor turned upright.
        recipe: says how it is resized.
        rendition: says to which size.
    """
    resize, visible = recipe.resize, picture.view.visible_size
    centered = layout(visible, rendition.size, resize)
    covers = (rendition.size.fit or resize.fit) is Fit.COVER
    if not covers or resize.gravity not in _CONTENT_AWARE or resize.focus is not None:
        return centered
    from forkresize.image.analyze.smartcrop import find_focus, thumbnail

    small = orient(replace(picture, image=thumbnail(crop_to_view(picture).image))).image
    return layout(visible, rendition.size, resize, find_focus(small, resize.gravity, centered.share))


def static_size(original: SourceImage, recipe: Recipe) -> Dimensions | None:
    """Return the size in pixels of what is resized, or None if that depends on the pixels.

    Raises:
        PictureError: a step cannot be applied to a picture of this size.
    """
    if not all(map(is_scalable, recipe.steps_before_resize)):
        return None
    return predict_view(original.view, recipe).visible_size


def choose_shrink(original: SourceImage, recipe: Recipe, renditions: Iterable[Rendition]) -> int:
    """Return the factor by which a picture may be shrunk while it is decoded: 8, 4, 2 or 1.

    It is 1 for ``nearest``, for linear light, and if a step before the resize reads pixels: all of them need
    full-resolution data.
    """
    resize, visible = recipe.resize, static_size(original, recipe)
    if not original.supports_shrink_on_load or resize.linear or resize.resample is Resample.NEAREST or visible is None:
        return 1
    return min((_shrink_for(visible, rendition.size, resize) for rendition in renditions), default=1)


def count_visible_rows(original: SourceImage, recipe: Recipe, renditions: Iterable[Rendition]) -> int | None:
    """Return how many of a picture's stored rows, from the first, its renditions depend on; None for all.

    That is so if steps before the resize read pixels, if what is there of a file that ends too early is used, and for
    ``nearest``: of two pixels at the same distance, it takes one or the other as the rounding of their places has it.
    """
    if not recipe.steps_before_resize:
        return None  # Nothing is cropped.
    deferred = all(operation_of(step).is_deferred(step) for step in recipe.steps_before_resize)
    if not deferred or recipe.on_truncated is not OnTruncated.FAIL or recipe.resize.resample is Resample.NEAREST:
        return None
    view = predict_view(original.view, recipe)
    stored = stored_area(view.area, view.size, view.orientation)
    if stored.top + stored.height >= original.image.size[1]:
        return None  # There is no crop, or none that ends above the last row.
    plans = [layout(view.visible_size, rendition.size, recipe.resize) for rendition in renditions]
    scale = max((max(each.area.width / each.scaled[0], each.area.height / each.scaled[1]) for each in plans), default=1)
    return ceil(stored.top + stored.height + _KERNEL_REACH * max(1, scale)) + _DECODER_REACH


@lru_cache(maxsize=_CACHED)
def _shrink_for(visible: Dimensions, size: Size, resize: Resize) -> int:
    plan = layout(visible, size, resize)
    scale = min(plan.area.width / plan.scaled[0], plan.area.height / plan.scaled[1])
    return next((shrink for shrink in _SHRINKS if scale >= shrink * _OVERSAMPLING), 1)


def duplicate_renditions(visible: Dimensions, recipe: Recipe, source_format: str | None) -> frozenset[int]:
    """Return the indexes of renditions that are identical to one of a smaller requested size.

    Args:
        visible: size in pixels of what is resized.
        recipe: holds the renditions.
        source_format: Pillow's name of the source's format.
    """

    def requested_pixels(number: int) -> int:
        width, height = layout(visible, _allow_enlarging(recipe.renditions[number].size), recipe.resize).canvas
        return width * height

    seen: list[tuple[Layout, str, list[object]]] = []
    duplicates = []
    for number in sorted(range(len(recipe.renditions)), key=requested_pixels):
        rendition = recipe.renditions[number]
        try:
            output = output_format(source_format, rendition)
        except PictureError:
            continue  # It cannot be made at all.
        encoding = [getattr(rendition, name) for name in _ENCODING_FIELDS]
        made = layout(visible, rendition.size, recipe.resize), output, encoding
        if made in seen:
            duplicates.append(number)
        seen.append(made)
    return frozenset(duplicates)


@lru_cache(maxsize=_CACHED)
def _allow_enlarging(size: Size) -> Size:
    return replace(size, enlarge=True)
