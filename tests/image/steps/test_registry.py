"""Every step declares how it is done."""

import pytest
from PIL import Image

from forkresize.image.picture import Picture, View
from forkresize.image.steps.operation import ColorNeed, Operation
from forkresize.image.steps.registry import operation_for, operation_of
from forkresize.recipe import STEPS, Crop, Flip, Resize, Rotate, Trim, Watermark

PLAIN = Operation()


@pytest.mark.parametrize("kind", [kind for kind in STEPS if kind is not Resize])
def test_every_step_moves_pixels_or_changes_them(kind: type) -> None:
    operation = operation_for(kind)
    assert operation.view or operation.apply is not PLAIN.apply
    assert not operation.needs_pixels or operation.view
    assert bool(operation.size) == bool(operation.size_note)
    assert operation.memory > 0


def test_only_steps_that_move_pixels_are_deferred() -> None:
    view = View.whole((40, 30))
    assert operation_of(Rotate(degrees=90)).deferred_view(view, Rotate(degrees=90)) == View(
        size=(30, 40), orientation=6, area=View.whole((30, 40)).area
    )
    assert operation_of(Rotate(degrees=33)).deferred_view(view, Rotate(degrees=33)) is None
    assert operation_of(Trim()).deferred_view(view, Trim()) is None
    assert operation_of(Flip(axis="h")).is_deferred(Flip(axis="h"))  # type: ignore[arg-type]
    assert operation_of(Crop(width=1, height=1)).is_deferred(Crop(width=1, height=1))


def test_a_step_that_is_not_done_to_pixels_leaves_them_alone() -> None:
    picture = Picture.plain(Image.new("L", (2, 2)))
    assert operation_of(Flip(axis="v")).apply(picture, Flip(axis="v"), (0, 0, 0, 255)) is picture  # type: ignore[arg-type]


def test_steps_that_mix_channels_or_add_colors_need_srgb() -> None:
    assert {kind.__name__ for kind in STEPS if operation_for(kind).color is ColorNeed.SRGB} == {
        "Grayscale",
        "Threshold",
        "Watermark",
    }
    assert {kind.__name__ for kind in STEPS if operation_for(kind).color is ColorNeed.SRGB_IF_COLORED} == {
        "Rotate",
        "Border",
    }


def test_only_a_watermark_loads_files() -> None:
    assert [kind for kind in STEPS if operation_for(kind).prepare is not PLAIN.prepare] == [Watermark]
