"""The order of operations: the steps of a recipe, and those that every picture needs."""

from collections.abc import Callable, Iterable

from msgspec import Struct
from msgspec.structs import replace

from forkresize.formats import OutputSpec
from forkresize.formats.spec import DEEP_COLORS
from forkresize.image.color.alpha import OPAQUE
from forkresize.image.color.convert import DEEP, is_for, p3_profile, to_p3, to_srgb
from forkresize.image.deep_image import SIXTEEN_BITS
from forkresize.image.diagnostics import Diagnostics
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
from forkresize.recipe import RGBA, Color, Depth, Recipe, Step


class Target(Struct, frozen=True):
    """What one output requires.

    Attributes:
        plan: its layout.
        spec: what its format can hold.
    """

    plan: Layout
    spec: OutputSpec


def is_scalable(step: Step) -> bool:
    """Return whether a step can be applied to a picture that was shrunk while it was decoded."""
    return operation_of(step).view is not None


def predict_view(view: View, recipe: Recipe) -> View:
    """Return the view after the scalable steps before the resize.

    Raises:
        PictureError: a step cannot be applied to a picture of this size.
    """
    for step in recipe.steps_before_resize:
        move = operation_of(step).view
        view = move(view, step) if move else view
    return view


def apply_before(picture: Picture, recipe: Recipe, modes: frozenset[str]) -> Picture:
    """Apply what all outputs have in common.

    Args:
        picture: as decoded.
        recipe: its steps before the resize are applied.
        modes: the modes that at least one of the outputs can hold.

    Returns:
        The picture in a mode that can be resampled.

    Raises:
        PictureError: a step cannot be applied to it.
    """
    picture = _at_depth(picture, recipe, modes)
    for step in recipe.steps_before_resize:
        picture = _apply(picture, step, recipe)
    return picture


def _at_depth(picture: Picture, recipe: Recipe, modes: frozenset[str]) -> Picture:
    """Return the picture in a mode that can be resampled; see ``normalize_mode``."""
    if recipe.depth is Depth.KEEP:
        return normalize_mode(picture, modes)
    # What was asked for needs no warning.
    reduced = normalize_mode(replace(picture, diagnostics=Diagnostics()), modes - SIXTEEN_BITS)
    return replace(reduced, diagnostics=picture.diagnostics)


def resolve_trim(recipe: Recipe, frames: Callable[[], Iterable[Picture]], modes: frozenset[str]) -> Recipe:
    """Return the recipe with a crop in place of each trim, so that all frames of an animation are cropped alike.

    Args:
        recipe: what is done to each frame.
        frames: yields them, as decoded; called once for each trim.
        modes: see ``apply_before``.

    Raises:
        PictureError: a trim comes after the resize, when frames are processed one by one.
    """
    if any(operation_of(step).for_all_frames for step in recipe.steps_after_resize):
        raise PictureError(Reason.NOT_APPLICABLE, "animations can only be trimmed before they are resized")
    steps = list(recipe.steps)
    for place, step in enumerate(recipe.steps_before_resize):
        for_all_frames = operation_of(step).for_all_frames
        if for_all_frames:
            start = replace(recipe, steps=tuple(steps[:place]))
            steps[place] = for_all_frames(
                (materialize(apply_before(picture, start, modes)).image for picture in frames()), step
            )
    return replace(recipe, steps=tuple(steps))


def apply_after(picture: Picture, recipe: Recipe, target: Target) -> Picture:
    """Apply what follows the resize.

    Args:
        picture: resized.
        recipe: its steps after the resize are applied.
        target: the output.

    Returns:
        The picture upright, in a mode and color space that the output can hold.

    Raises:
        PictureError: a step cannot be applied to it.
    """
    modes = target.spec.modes
    background = recipe.background if "RGBA" in modes else (*recipe.background[:3], OPAQUE)
    picture = normalize_mode(picture, modes)
    if not _keeps_color(picture, recipe, target):
        picture = _convert_to_srgb(picture, recipe)
    picture = flatten(picture, background, modes)
    picture = pad(picture, target.plan.canvas, target.plan.offset, background)
    for step in recipe.steps_after_resize:
        picture = _apply(picture, step, replace(recipe, background=background))
    picture = flatten(materialize(picture), background, modes)
    if not _can_represent(target.spec, picture):
        picture = _convert_to_srgb(picture, recipe)
    return _convert_to_p3(picture, target.spec) if recipe.color is Color.P3 else picture


def _convert_to_p3(picture: Picture, spec: OutputSpec) -> Picture:
    """Return the picture in Display P3; in sRGB, with a warning, if the format has no place for a profile."""
    if spec.profile:
        made = to_p3(picture)
        # Colors stay as they are if only 8 bits can be converted.
        return to_p3(to_8_bit(picture)) if made.image.mode in DEEP_COLORS and made.profile != p3_profile() else made
    if picture.image.mode not in {"L", "LA", *DEEP}:
        picture.diagnostics.warn("converted to sRGB: the format has no place for a color profile")
    return picture


def _apply(picture: Picture, step: Step, recipe: Recipe) -> Picture:
    operation = operation_of(step)
    view = operation.deferred_view(picture.view, step)
    if view is not None:
        return replace(picture, view=view)
    picture = _to_supported_color(materialize(picture), operation, recipe)
    if operation.size:
        check_pixels(operation.size(picture.view.visible_size, step), recipe.max_pixels, operation.size_note)
    return operation.apply(picture, step, recipe.background)


def _to_supported_color(picture: Picture, operation: Operation, recipe: Recipe) -> Picture:
    """Return the picture in a color space and at a depth that an operation supports."""
    need = operation.color
    needs_srgb = need is ColorNeed.SRGB or (
        need is ColorNeed.SRGB_IF_COLORED and not _is_same_everywhere(recipe.background)
    )
    if needs_srgb or (picture.image.mode == "CMYK" and need is not ColorNeed.ANY):
        picture = _convert_to_srgb(picture, recipe)
    if operation.is_deep:
        return picture
    picture = to_8_bit(picture)
    return to_srgb(picture) if recipe.color is Color.SRGB else picture


def _convert_to_srgb(picture: Picture, recipe: Recipe) -> Picture:
    """Return the picture in sRGB, with a warning if its color space should be kept."""
    if recipe.color is Color.KEEP and picture.image.mode == "CMYK":
        picture.diagnostics.warn("converted from CMYK to sRGB: the requested operations do not support CMYK")
    return _to_srgb_at_8_bit(picture)


def _to_srgb_at_8_bit(picture: Picture) -> Picture:
    """Return the picture in sRGB, with 8 bits if the conversion needs that.

    Raises:
        PictureError: its values have no defined range.
    """
    picture = to_srgb(picture)
    return to_srgb(to_8_bit(picture)) if picture.profile else picture


def _is_same_everywhere(color: RGBA) -> bool:
    """Return whether a color is the same in all color spaces but CMYK."""
    return color[:3] in {(0, 0, 0), (255, 255, 255)}


def _keeps_color(picture: Picture, recipe: Recipe, target: Target) -> bool:
    """Return whether the pixels stay in the source's color space, and the profile is embedded."""
    mode = picture.image.mode
    if recipe.color is Color.SRGB and mode not in DEEP:
        return False
    is_painted = target.plan.canvas != target.plan.scaled or (mode == "RGBA" and mode not in target.spec.modes)
    if is_painted and (mode == "CMYK" or not _is_same_everywhere(recipe.background)):
        return False
    return _can_represent(target.spec, picture)


def _can_represent(spec: OutputSpec, picture: Picture) -> bool:
    """Return whether a format can hold the pixels and their profile."""
    mode, profile = picture.image.mode, picture.profile
    fits = mode in spec.modes or mode == "RGBA"
    if profile is None:
        return fits
    return fits and spec.profile and is_for(profile, mode)
