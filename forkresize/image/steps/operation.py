"""What a step declares about how it is done."""

from collections.abc import Callable, Iterable
from enum import Enum, auto
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from PIL.Image import Image

from forkresize.image.geometry.region import Dimensions
from forkresize.image.picture import Picture, View
from forkresize.recipe import RGBA, Step


class ColorNeed(Enum):
    """Which color spaces a step can be done in."""

    ANY = auto()
    NOT_INK = auto()
    SRGB = auto()
    SRGB_IF_COLORED = auto()
    """sRGB if the background has a color, which is given in sRGB; black and white are the same in every space."""


def _nothing(_step: Any) -> None:
    pass


def _do_nothing(picture: Picture, _step: Any, _background: RGBA) -> Picture:
    return picture


class Operation(Struct, frozen=True, kw_only=True):
    """How a step is done.

    Attributes:
        view: for a step that moves pixels: returns the view afterwards, so that the pixels are moved when they are few.
        needs_pixels: whether a step with a view needs the pixels nevertheless.
        apply: does it to a picture whose pixels are upright and cut out; the background fills new areas.
        color: which color spaces it can be done in.
        is_deep: whether it can be done to more than 8 bits per channel.
        size: for a step that enlarges a picture: the size of the result, which is checked against the limit.
        size_note: how an error about that size begins.
        prepare: loads the files that the step names, so that workers forked afterwards share them.
        for_all_frames: for a step that depends on the pixels: what does the same to all frames of an animation.
        memory: bytes a pixel that it takes, its result included, as measured.
    """

    view: Callable[[View, Any], View] | None = None
    needs_pixels: Callable[[Any], bool] | None = None
    apply: Callable[[Picture, Any, RGBA], Picture] = _do_nothing
    color: ColorNeed = ColorNeed.ANY
    is_deep: bool = False
    size: Callable[[Dimensions, Any], Dimensions] | None = None
    size_note: str = ""
    prepare: Callable[[Any], None] = _nothing
    for_all_frames: Callable[[Iterable[Image], Any], Step] | None = None
    memory: int = 8

    def deferred_view(self, view: View, step: Step) -> View | None:
        """Return the view after a step that changes nothing else; None for a step that needs the pixels."""
        return self.view(view, step) if self.view and self.is_deferred(step) else None

    def is_deferred(self, step: Step) -> bool:
        """Whether a step changes the view alone."""
        return self.view is not None and not (self.needs_pixels and self.needs_pixels(step))


def on_image(function: Callable[[Image, Any], Image]) -> Callable[[Picture, Any, RGBA], Picture]:
    """Return a step's function on a picture, given the one on its pixels; the size must stay the same."""
    return lambda picture, step, _background: replace(picture, image=function(picture.image, step))
