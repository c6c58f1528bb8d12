"""What is done to the pixels, in which order: the steps of a recipe, and those that every picture goes through."""

from collections.abc import Callable, Iterable

from msgspec import Struct
from msgspec.structs import replace

from forkresize.formats import OutputSpec
from forkresize.image.color.alpha import OPAQUE
from forkresize.image.color.convert import DEEP, is_for, to_srgb
from forkresize.image.errors import PictureError
from forkresize.image.geometry.layout import Layout
from forkresize.image.limits import check_pixels
from forkresize.image.picture import Picture, View
from forkresize.image.steps.border import pad
from forkresize.image.steps.flatten import flatten
from forkresize.image.steps.modes import normalize_mode, to_8_bit
from forkresize.image.steps.operation import ColorNeed, Operation
from forkresize.image.steps.registry import operation_of
from forkresize.image.steps.resize import materialize
from forkresize.outcome import Reason
from forkresize.recipe import (
    RGBA,
    Color,
    Recipe,
    Step,
)


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
    return operation_of(step).view is not None


def predict_view(view: View, recipe: Recipe) -> View:
    """Return what is seen after the steps before resizing, as far as they are scalable.

    Raises:
        PictureError: a step can't be done to a picture of this size.
    """
    for step in recipe.steps_before_resize:
        move = operation_of(step).view
        view = move(view, step) if move else view
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
    """Return the recipe with a crop in place of each trim, so that all frames of an animation are cropped alike.

    Args:
        recipe: what is done to each frame.
        frames: yields them, as decoded; called once for each trim.
        held: see apply_before.

    Raises:
        PictureError: a trim comes after the resize, when each frame is on its own.
    """
    if any(operation_of(step).for_all_frames for step in recipe.steps_after_resize):
        raise PictureError(Reason.NOT_APPLICABLE, "animations can only be trimmed before they are resized")
    steps = list(recipe.steps)
    for place, step in enumerate(recipe.steps_before_resize):
        for_all_frames = operation_of(step).for_all_frames
        if for_all_frames:
            start = replace(recipe, steps=tuple(steps[:place]))
            steps[place] = for_all_frames(
                (materialize(apply_before(picture, start, held)).image for picture in frames()), step
            )
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
    background = recipe.background if "RGBA" in modes else (*recipe.background[:3], OPAQUE)
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
    operation = operation_of(step)
    view = operation.deferred_view(picture.view, step)
    if view is not None:
        return replace(picture, view=view)
    picture = _in_supported_color(materialize(picture), operation, recipe)
    if operation.size:
        check_pixels(operation.size(picture.view.visible_size, step), recipe.max_pixels, operation.size_note)
    return operation.apply(picture, step, recipe.background)


def _in_supported_color(picture: Picture, operation: Operation, recipe: Recipe) -> Picture:
    """Return the picture in a color space and at a depth that an operation supports."""
    need = operation.color
    needs_srgb = need is ColorNeed.SRGB or (
        need is ColorNeed.SRGB_IF_COLORED and not _is_same_everywhere(recipe.background)
    )
    if needs_srgb or (picture.image.mode == "CMYK" and need is not ColorNeed.ANY):
        picture = _converted(picture, recipe)
    if operation.is_deep:
        return picture
    picture = to_8_bit(picture)
    return to_srgb(picture) if recipe.color is Color.SRGB else picture


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
