"""What is done to the pixels, in which order: the steps of a recipe, and those that every picture goes through."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from PIL.Image import Image

from forkresize.formats import OutputSpec
from forkresize.image.color.convert import DEEP, is_for, to_srgb
from forkresize.image.errors import PictureError
from forkresize.image.geometry.layout import Layout
from forkresize.image.limits import check_pixels
from forkresize.image.picture import Picture, View
from forkresize.image.steps.blur import blur
from forkresize.image.steps.border import add_border, pad
from forkresize.image.steps.crop import crop
from forkresize.image.steps.flatten import flatten
from forkresize.image.steps.flip import flip
from forkresize.image.steps.grayscale import grayscale
from forkresize.image.steps.modes import normalize_mode, to_8_bit
from forkresize.image.steps.resize import materialize
from forkresize.image.steps.sharpen import sharpen
from forkresize.image.steps.trim import common_crop, trim
from forkresize.image.steps.turn import is_quarter, rotate, rotate_view
from forkresize.image.steps.watermark import watermark
from forkresize.outcome import Reason
from forkresize.recipe import (
    RGBA,
    Blur,
    Border,
    Color,
    Crop,
    Flip,
    Grayscale,
    Recipe,
    Rotate,
    Sharpen,
    Step,
    Trim,
    Watermark,
)

_ON_VIEW: Mapping[type[Step], Callable[[View, Any], View]] = {Rotate: rotate_view, Flip: flip, Crop: crop}
"""Steps that move pixels only, which is put off until they are few."""

_ON_PIXELS: Mapping[type[Step], Callable[[Image, Any, RGBA], Image]] = {
    Grayscale: grayscale,
    Blur: blur,
    Sharpen: sharpen,
    Watermark: watermark,
}
"""Steps that change what the pixels are."""

_OPAQUE = 255


class Target(Struct, frozen=True):
    """What a picture is brought to, for one output.

    Attributes:
        plan: its size, and the part that it shows.
        writer: what the output's format can hold.
    """

    plan: Layout
    writer: OutputSpec


def is_scalable(step: Step) -> bool:
    """Whether a step can be done to a picture that was reduced while decoding."""
    return isinstance(step, Rotate | Flip | Crop)


def predict_view(view: View, recipe: Recipe) -> View:
    """Return what is seen after the steps before resizing, as far as they are scalable.

    Raises:
        PictureError: a step can't be done to a picture of this size.
    """
    for step in recipe.steps_before_resize:
        if is_scalable(step):
            view = _ON_VIEW[type(step)](view, step)
    return view


def apply_before(picture: Picture, recipe: Recipe, held: frozenset[str]) -> Picture:
    """Do what is done once for all outputs.

    Args:
        picture: as decoded.
        recipe: its steps before resizing are done.
        held: the modes that any of the outputs can hold.

    Returns:
        The picture in a mode that can be resampled.

    Raises:
        PictureError: a step can't be done to it.
    """
    picture = normalize_mode(picture, held)
    for step in recipe.steps_before_resize:
        picture = _apply(picture, step, recipe)
    return picture


def resolve_trim(recipe: Recipe, frames: Callable[[], Iterable[Picture]], held: frozenset[str]) -> Recipe:
    """Return the recipe with a crop in place of each trim, so that all frames of an animation are cut alike.

    Args:
        recipe: what is done to each frame.
        frames: yields them, as decoded; called once for each trim.
        held: see prepare.

    Raises:
        PictureError: they are to be trimmed after they were resized, when each is on its own.
    """
    if any(isinstance(step, Trim) for step in recipe.steps_after_resize):
        raise PictureError(
            Reason.NOT_APPLICABLE, "the frames of an animation are trimmed before they are resized, or not"
        )
    steps = list(recipe.steps)
    for place, step in enumerate(recipe.steps_before_resize):
        if isinstance(step, Trim):
            start = replace(recipe, steps=tuple(steps[:place]))
            crop = common_crop((materialize(apply_before(picture, start, held)).image for picture in frames()), step)
            # A turn by nothing stands for nothing to cut off.
            steps[place] = crop or Rotate(degrees=0)
    return replace(recipe, steps=tuple(steps))


def apply_after(picture: Picture, recipe: Recipe, target: Target) -> Picture:
    """Do what is done to a picture that has its size.

    Args:
        picture: resized.
        recipe: its steps after resizing are done.
        target: where it goes.

    Returns:
        The picture upright, in a mode and color space that the output can hold.

    Raises:
        PictureError: a step can't be done to it.
    """
    modes = target.writer.modes
    background = recipe.background if "RGBA" in modes else (*recipe.background[:3], _OPAQUE)
    picture = normalize_mode(picture, modes)
    if not _keeps_color(picture, recipe, target):
        picture = _converted(picture, recipe)
    picture = flatten(picture, background, modes)
    picture = pad(picture, target.plan.canvas, target.plan.offset, background)
    for step in recipe.steps_after_resize:
        picture = _apply(picture, step, replace(recipe, background=background))
    picture = flatten(materialize(picture), background, modes)
    return picture if _can_represent(target.writer, picture) else _converted(picture, recipe)


def _apply(picture: Picture, step: Step, recipe: Recipe) -> Picture:
    if isinstance(step, Flip | Crop) or (isinstance(step, Rotate) and is_quarter(step)):
        return replace(picture, view=_ON_VIEW[type(step)](picture.view, step))
    picture = materialize(picture)
    if isinstance(step, Trim):
        return trim(picture, step)
    if _needs_srgb(step, recipe.background) or picture.image.mode == "CMYK":
        picture = _converted(picture, recipe)
    if isinstance(step, Border):
        width, height = picture.image.size
        framed = width + 2 * step.width, height + 2 * step.width
        check_pixels(framed, recipe.max_pixels, "with its border the picture would have")
        return add_border(picture, step, recipe.background)
    picture = to_8_bit(picture)
    if recipe.color is Color.SRGB:
        picture = to_srgb(picture)
    if isinstance(step, Rotate):
        check_pixels(rotate_view(picture.view, step).size, recipe.max_pixels, "turned, the picture would have")
        return rotate(picture, step, recipe.background)
    return replace(picture, image=_ON_PIXELS[type(step)](picture.image, step, recipe.background))


def _converted(picture: Picture, recipe: Recipe) -> Picture:
    """Return the picture in sRGB, with a word if that was not wanted."""
    if recipe.color is Color.KEEP and picture.image.mode == "CMYK":
        picture.diagnostics.warn("converted from CMYK to sRGB: the requested operations do not support CMYK")
    return _in_srgb(picture)


def _in_srgb(picture: Picture) -> Picture:
    """Return the picture in sRGB at any rate, at 8 bits where that takes it.

    Raises:
        PictureError: its values have no agreed range.
    """
    picture = to_srgb(picture)
    return to_srgb(to_8_bit(picture)) if picture.profile else picture


def _needs_srgb(step: Step, background: RGBA) -> bool:
    """Whether a step brings in colors, which are said in sRGB, or makes one channel of three."""
    if isinstance(step, Rotate | Border):
        return not _is_same_everywhere(background)
    return isinstance(step, Grayscale | Watermark)


def _is_same_everywhere(color: RGBA) -> bool:
    """Whether a color is the same in every color space but those of ink."""
    return color[:3] in {(0, 0, 0), (255, 255, 255)}


def _keeps_color(picture: Picture, recipe: Recipe, target: Target) -> bool:
    """Whether the pixels stay in the source's color space, and the profile goes with them."""
    mode = picture.image.mode
    if recipe.color is Color.SRGB and mode not in DEEP:
        return False
    is_painted = target.plan.canvas != target.plan.scaled or (mode == "RGBA" and mode not in target.writer.modes)
    if is_painted and (mode == "CMYK" or not _is_same_everywhere(recipe.background)):
        return False
    return _can_represent(target.writer, picture)


def _can_represent(writer: OutputSpec, picture: Picture) -> bool:
    """Whether an output can say which colors its pixels are; of ink it need not."""
    mode, profile = picture.image.mode, picture.profile
    is_held = mode in writer.modes or mode == "RGBA"
    if profile is None:
        return is_held
    return is_held and writer.profile and is_for(profile, mode)
