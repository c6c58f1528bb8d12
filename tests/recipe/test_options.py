from typing import Any

import pytest

from forkresize.errors import FieldError
from forkresize.recipe import (
    DEFAULT_QUALITY,
    OPTIONS,
    Blur,
    Border,
    Crop,
    Fit,
    Flip,
    Format,
    Gravity,
    Grayscale,
    Recipe,
    Rendition,
    Resize,
    Rotate,
    Sharpen,
    Size,
    Threshold,
    Trim,
    Watermark,
)

ALL: dict[str, Any] = {
    "watermark_text": "© me",
    "border": 3,
    "sharpen": "auto",
    "blur": 1.5,
    "threshold": 128,
    "grayscale": True,
    "fit": "cover",
    "width": 8,
    "height": 6,
    "trim": True,
    "crop": "8x6+1+2",
    "flip": "h",
    "rotate": 90,
}


def test_steps_are_applied_in_the_same_order_for_any_order_of_options() -> None:
    assert Recipe.of(**ALL).steps == (
        Rotate(degrees=90),
        Flip(axis="h"),  # type: ignore[arg-type]
        Crop(width=8, height=6, left=1, top=2),
        Trim(),
        Resize(fit=Fit.COVER),
        Grayscale(),
        Blur(radius=1.5),
        Sharpen(),
        Threshold(level=128),
        Border(width=3),
        Watermark(text="© me"),
    )


def test_without_options_a_recipe_is_one_resize_and_one_rendition() -> None:
    nothing: dict[str, Any] = {
        "rotate": 0,
        "trim": False,
        "sharpen": "none",
        "border": 0,
        "watermark": None,
        "format": "keep",
    }
    assert Recipe.of(**nothing) == Recipe.of() == Recipe(steps=(Resize(),), renditions=(Rendition(),))


def test_watermark_options_set_the_fields_of_the_watermark() -> None:
    how: Any = {"gravity": "north", "scale": 20.0, "opacity": 0.7, "margin": 1.0}
    flags: Any = {f"watermark_{name}": value for name, value in how.items()}
    assert Recipe.of(watermark="logo.png", **flags).steps_after_resize == (Watermark(image="logo.png", **how),)
    assert Recipe.from_options(flags, effective=()).steps_after_resize == ()
    assert Recipe.of(watermark_text="x", watermark_font="a.ttf").steps_after_resize == (
        Watermark(text="x", font="a.ttf"),
    )


def test_a_tiled_watermark_has_no_gravity() -> None:
    [tiled] = Recipe.of(watermark="logo.png", watermark_gravity="tile").steps_after_resize
    assert tiled == Watermark(image="logo.png", gravity=None)
    [placed] = Recipe.of(watermark="logo.png").steps_after_resize
    assert placed == Watermark(image="logo.png", gravity=Gravity.SOUTH_EAST)


def test_values_may_be_texts_or_objects() -> None:
    recipe = Recipe.of(crop=Crop(width=8, height=6), sharpen=Sharpen(percent=90), size=Size(width=4))
    assert recipe == Recipe.of(crop="8x6", sharpen="0.6,90,2", size="4x")


@pytest.mark.parametrize(
    ("flags", "sizes"),
    [
        ({"width": 8}, [Size(width=8)]),
        ({"width": 8, "height": 6}, [Size(width=8, height=6)]),
        ({"height": (6, 3)}, [Size(height=6), Size(height=3)]),
        ({"width": (8, 4), "height": 6}, [Size(width=8, height=6), Size(width=4, height=6)]),
        ({"width": (8, 4), "height": (6, 3)}, [Size(width=8, height=6), Size(width=4, height=3)]),
        ({"width": (8, 8), "height": (6, 3)}, [Size(width=8, height=6), Size(width=8, height=3)]),
        ({"size": "8x6!"}, [Size(width=8, height=6, fit=Fit.FILL)]),
        ({"long_edge": 8}, [Size(long_edge=8)]),
        ({"short_edge": 8}, [Size(short_edge=8)]),
        ({"scale": 50}, [Size(scale=(50, 50))]),
        ({"scale": 150}, [Size(scale=(150, 150), enlarge=True)]),
        ({"megapixels": 2}, [Size(megapixels=2)]),
    ],
)
def test_each_size_makes_a_rendition(flags: dict[str, Any], sizes: list[Size]) -> None:
    assert [rendition.size for rendition in Recipe.of(**flags).renditions] == sizes


@pytest.mark.parametrize(
    ("flags", "fault"),
    [
        ({"width": 8, "size": "8x"}, "width: cannot be combined with size"),
        ({"height": 8, "scale": 50}, "scale: cannot be combined with height"),
        ({"long_edge": 8, "short_edge": 8}, "short_edge: cannot be combined with long_edge"),
        ({"width": (8, 8)}, "width: contains the same value twice"),
        ({"height": (8, 8)}, "height: contains the same value twice"),
        ({"width": (8, 4), "height": (6, 3, 2)}, "width: has 2 values, but the other side has 3"),
        ({"width": 0}, "width: invalid value 0: use a whole number from 1 to 100000"),
        ({"width": "8,x"}, "width: invalid value 'x': use a whole number from 1 to 100000"),
        ({"crop": "8"}, "crop: invalid rectangle '8': use WxH"),
        ({"crop": 8}, "crop: invalid value 8: use WxH"),
        ({"blur": "much"}, "blur: invalid value 'much': use a number from 0.1 to 1000"),
        ({"trim": "maybe"}, "trim: invalid value 'maybe': use true or false"),
        ({"format": ["png", "bmp"]}, "format: invalid value 'bmp': use one of keep, jpeg, png"),
        ({"format": "png,png"}, "format: contains the same format twice"),
        ({"widht": 8}, r"widht: unknown option; did you mean width\?"),
        ({"xyzzy": 8}, "xyzzy: unknown option$"),
    ],
)
def test_invalid_options_are_refused(flags: dict[str, Any], fault: str) -> None:
    with pytest.raises(FieldError, match=f"^{fault}"):
        Recipe.of(**flags)


def test_each_size_is_made_in_each_format() -> None:
    recipe = Recipe.of(width=[8, 4], format=["webp", "keep"], effort=9)
    assert recipe.renditions == tuple(
        Rendition(size=Size(width=width), format=output, effort=9) for width in (8, 4) for output in (Format.WEBP, None)
    )


def test_each_of_several_formats_gets_its_own_quality() -> None:
    png, jpeg, webp = Recipe.of(format=["png", "jpeg", "webp"], quality={"jpeg": 30}).renditions
    assert (png.quality, jpeg.quality, webp.quality) == ({}, {"jpeg": 30}, {})
    png, webp = Recipe.of(format=["png", "webp"], quality=40).renditions
    assert (png.quality, webp.quality) == ({}, {"webp": 40})
    [keep] = Recipe.of(quality=40).renditions
    assert keep.quality == dict.fromkeys(DEFAULT_QUALITY, 40)


def test_a_quality_for_another_format_is_refused_if_there_is_one_format() -> None:
    with pytest.raises(FieldError, match=r"^quality: does not apply to webp, only to jpeg"):
        Recipe.of(format="webp", quality={"jpeg": 30})


def test_every_option_may_be_a_text_as_in_a_query_string() -> None:
    assert Recipe.of(
        width="800,400",
        height="600,300",
        fit="Cover",
        format="webp,keep",
        quality="jpeg=70,webp=60",
        trim="true",
        focus="0.5,0.3",
        blur="1.5",
        max_bytes="300K",
        max_pixels="50",
        background="navy",
        scale=None,
        auto_orient="false",
        effort="3",
    ) == Recipe.of(
        width=[800, 400],
        height=[600, 300],
        fit=Fit.COVER,
        format=["webp", None],
        quality={"jpeg": 70, "webp": 60},
        trim=True,
        focus=(0.5, 0.3),
        blur=1.5,
        max_bytes=300_000,
        max_pixels=50_000_000,
        background=(0, 0, 128, 255),
        auto_orient=False,
        effort=3,
    )


def test_every_option_is_declared_with_help_and_a_group() -> None:
    assert {option.group for option in OPTIONS.values()} == {"Size", "Operations", "Output", "Workers"}
    for option in OPTIONS.values():
        assert option.declaration.help.endswith("."), option.name
