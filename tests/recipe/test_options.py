from typing import Any

import pytest

from forkresize.errors import FieldError
from forkresize.recipe import (
    DEFAULT_QUALITY,
    Blur,
    Border,
    Crop,
    Fit,
    Flip,
    Format,
    Gravity,
    Grayscale,
    Options,
    Recipe,
    Rendition,
    Resize,
    Rotate,
    Sharpen,
    Size,
    Trim,
    Watermark,
)

ALL: Options = {
    "watermark_text": "© me",
    "border": 3,
    "sharpen": "auto",
    "blur": 1.5,
    "grayscale": True,
    "fit": "cover",
    "trim": True,
    "crop": "8x6+1+2",
    "flip": "h",
    "rotate": 90,
}


def test_steps_come_in_the_order_of_the_flags_however_they_are_given() -> None:
    assert Recipe.of(**ALL).steps == (
        Rotate(degrees=90),
        Flip(axis="h"),  # type: ignore[arg-type]
        Crop(width=8, height=6, left=1, top=2),
        Trim(),
        Resize(fit=Fit.COVER),
        Grayscale(),
        Blur(radius=1.5),
        Sharpen(),
        Border(width=3),
        Watermark(text="© me"),
    )


def test_nothing_asked_for_is_a_resize_and_one_rendition_that_keeps_all() -> None:
    nothing: Options = {"rotate": 0, "trim": False, "sharpen": "none", "border": 0, "watermark": None, "format": "keep"}
    assert Recipe.of(**nothing) == Recipe.of() == Recipe(steps=(Resize(),), renditions=(Rendition(),))


def test_what_a_watermark_is_like_goes_with_it() -> None:
    how: Any = {"gravity": "north", "scale": 20.0, "opacity": 0.7, "margin": 1.0}
    flags: Any = {f"watermark_{name}": value for name, value in how.items()}
    assert Recipe.of(watermark="logo.png", **flags).steps_after_resize == (Watermark(image="logo.png", **how),)
    assert Recipe.of(**flags).steps_after_resize == ()
    assert Recipe.of(watermark_text="x", watermark_font="a.ttf").steps_after_resize == (
        Watermark(text="x", font="a.ttf"),
    )


def test_a_watermark_that_is_tiled_has_no_gravity() -> None:
    [tiled] = Recipe.of(watermark="logo.png", watermark_gravity="tile").steps_after_resize
    assert tiled == Watermark(image="logo.png", gravity=None)
    [placed] = Recipe.of(watermark="logo.png").steps_after_resize
    assert placed == Watermark(image="logo.png", gravity=Gravity.SOUTH_EAST)


def test_values_may_come_parsed() -> None:
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
def test_every_size_is_a_rendition(flags: dict[str, Any], sizes: list[Size]) -> None:
    assert [rendition.size for rendition in Recipe.of(**flags).renditions] == sizes


@pytest.mark.parametrize(
    ("flags", "fault"),
    [
        ({"width": 8, "size": "8x"}, "width: the size is said in two ways, by size as well"),
        ({"height": 8, "scale": 50}, "height: the size is said in two ways, by scale as well"),
        ({"long_edge": 8, "short_edge": 8}, "short_edge: the size is said in two ways, by long-edge as well"),
        ({"width": (8, 8)}, "width: has one value twice"),
        ({"height": (8, 8)}, "height: has one value twice"),
        ({"width": (8, 4), "height": (6, 3, 2)}, "width: has 2 values where the other side has 3"),
        ({"crop": "8"}, "crop: '8' is no part of a picture"),
        ({"format": ["png", "bmp"]}, "format: 'bmp' is none of"),
    ],
)
def test_what_contradicts_itself_is_refused(flags: dict[str, Any], fault: str) -> None:
    with pytest.raises(FieldError, match=f"^{fault}"):
        Recipe.of(**flags)


def test_every_size_comes_in_every_format() -> None:
    recipe = Recipe.of(width=[8, 4], format=["webp", "keep"], effort=9)
    assert recipe.renditions == tuple(
        Rendition(size=Size(width=width), format=output, effort=9) for width in (8, 4) for output in (Format.WEBP, None)
    )


def test_each_of_several_formats_takes_its_own_of_the_qualities() -> None:
    png, jpeg, webp = Recipe.of(format=["png", "jpeg", "webp"], quality={"jpeg": 30}).renditions
    assert (png.quality, jpeg.quality, webp.quality) == ({}, {"jpeg": 30}, {})
    png, webp = Recipe.of(format=["png", "webp"], quality=40).renditions
    assert (png.quality, webp.quality) == ({}, {"webp": 40})
    [keep] = Recipe.of(quality=40).renditions
    assert keep.quality == dict.fromkeys(DEFAULT_QUALITY, 40)


def test_one_format_alone_is_held_to_the_quality() -> None:
    with pytest.raises(FieldError, match=r"^quality: none of jpeg is the format of the output, webp"):
        Recipe.of(format="webp", quality={"jpeg": 30})
