from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkresize.errors import FieldError
from forkresize.recipe import (
    STEPS,
    Axis,
    Blur,
    Border,
    Crop,
    Fit,
    Flip,
    Gravity,
    Resample,
    Resize,
    Rotate,
    Sharpen,
    Step,
    Trim,
    Watermark,
)


@pytest.mark.parametrize(
    ("step", "values", "field"),
    [
        (Rotate, {"degrees": 361}, "rotate"),
        (Rotate, {"degrees": float("nan")}, "rotate"),
        (Flip, {"axis": "x"}, "flip"),
        (Crop, {"width": 0, "height": 5}, "crop"),
        (Crop, {"width": 5, "height": 5, "left": -1}, "crop"),
        (Trim, {"tolerance": 256}, "tolerance"),
        (Resize, {"fit": "snug"}, "fit"),
        (Resize, {"gravity": "up"}, "gravity"),
        (Resize, {"resample": "cubic"}, "resample"),
        (Resize, {"focus": (0.5, 1.1)}, "focus"),
        (Resize, {"focus": (0.5,)}, "focus"),
        (Resize, {"focus": "ab"}, "focus"),
        (Blur, {"radius": 0}, "blur"),
        (Sharpen, {"radius": 0}, "sharpen"),
        (Sharpen, {"percent": 0}, "sharpen"),
        (Sharpen, {"threshold": 256}, "sharpen"),
        (Border, {"width": 0}, "border"),
        (Watermark, {}, "watermark"),
        (Watermark, {"image": "a.png", "text": "a"}, "watermark"),
        (Watermark, {"text": " \n"}, "watermark_text"),
        (Watermark, {"image": "a\0.png"}, "watermark"),
        (Watermark, {"text": "a\0"}, "watermark_text"),
        (Watermark, {"text": "a", "font": "a\0.ttf"}, "watermark_font"),
        (Watermark, {"text": "a", "gravity": Gravity.ATTENTION}, "watermark_gravity"),
        (Watermark, {"image": "a.png", "font": "a.ttf"}, "watermark_font"),
        (Watermark, {"text": "a", "scale": 101}, "watermark_scale"),
        (Watermark, {"text": "a", "opacity": 1.1}, "watermark_opacity"),
        (Watermark, {"text": "a", "margin": 51}, "watermark_margin"),
    ],
)
def test_a_value_out_of_range_is_refused_with_its_option(step: type[Step], values: dict[str, Any], field: str) -> None:
    with pytest.raises(FieldError, match=f"^{field}: ") as refusal:
        step(**values)
    assert refusal.value.field == field


def test_choices_may_be_strings() -> None:
    plain: dict[str, Any] = {"fit": "cover", "gravity": "north-east", "resample": "box"}
    assert Resize(**plain) == Resize(fit=Fit.COVER, gravity=Gravity.NORTH_EAST, resample=Resample.BOX)
    assert Flip(axis=plain.get("axis", "v")).axis is Axis.VERTICAL


@given(st.integers(1, 9999), st.integers(1, 9999), st.integers(0, 9999), st.integers(0, 9999))
def test_a_crop_is_parsed(width: int, height: int, left: int, top: int) -> None:
    assert Crop.parse(f"{width}x{height}+{left}+{top}") == Crop(width=width, height=height, left=left, top=top)
    assert Crop.parse(f" {width}x{height}") == Crop(width=width, height=height)


@pytest.mark.parametrize("text", ["", "3x", "x3", "3x3+1", "3x3-1-1", "3.5x3", "0x3", f"{'9' * 5000}x3"], ids=len)
def test_an_invalid_crop_is_refused(text: str) -> None:
    with pytest.raises(FieldError, match=r"^crop: "):
        Crop.parse(text)


def test_a_focus_may_be_a_list() -> None:
    pair: Any = [0.5, 0.3]
    assert Resize(focus=pair) == Resize(focus=(0.5, 0.3))
    assert hash(Resize(focus=pair)) == hash(Resize(focus=(0.5, 0.3)))


def test_a_sharpening_is_parsed() -> None:
    assert Sharpen.parse("none") is None
    assert Sharpen.parse("auto") == Sharpen()
    assert Sharpen.parse("1.5,80,3") == Sharpen(radius=1.5, percent=80, threshold=3)


@pytest.mark.parametrize("text", ["", "1", "1,80", "1,80.5,3", "strong", "0,80,3", f"1,{'9' * 5000},3"], ids=len)
def test_an_invalid_sharpening_is_refused(text: str) -> None:
    with pytest.raises(FieldError, match=r"^sharpen: "):
        Sharpen.parse(text)


def test_every_step_has_a_name_and_a_description() -> None:
    assert len({step.__struct_config__.tag for step in STEPS}) == len(STEPS)
    assert all(step.__doc__ for step in STEPS)
    assert all(step.__struct_config__.tag == step.__name__.lower() for step in STEPS)
